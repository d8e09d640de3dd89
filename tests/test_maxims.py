"""Everything that depends on the maxims follows `MAXIMS`."""

import subprocess
import sys

import pytest

from grice_core.maxims import MAXIMS

_WITH_A_FIFTH_MAXIM = """
import importlib, pkgutil, sys, types
from pathlib import Path

import grice_core

path = Path(grice_core.__path__[0]) / "maxims.py"
source = path.read_text().replace('MANNER = "manner"', 'MANNER = "manner"; POLITENESS = "politeness"')
maxims = types.ModuleType("grice_core.maxims")
sys.modules["grice_core.maxims"] = maxims
exec(compile(source, str(path), "exec"), maxims.__dict__)
assert len(maxims.MAXIMS) == 5
"""

_IMPORTS = """
import app, worker
starts_something = ("app.home", "app.serve", "app.up")
for package in (grice_core, worker, app):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name not in starts_something and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""

_WORK = """
import json, tempfile
import numpy as np
from app.app_pages.stages.stage_panels import stage_panels
from app.state.open_data import OpenData
from grice_core.data.columnar import read_pairs, write_pairs
from grice_core.data.filters import apply_filter
from grice_core.data.load import load_pairs
from grice_core.detector.record import Temperatures
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.recipes.summary import summarise
from grice_core.recipes.variants import joint_control

draw = np.random.default_rng(0)
def scores():
    return {maxim: round(float(draw.uniform()), 3) for maxim in maxims.MAXIMS}
rows = [
    {"prompt": f"prompt {n}", "chosen": "yes", "rejected": "no", "chosen_scores": scores(),
     "rejected_scores": scores()}
    for n in range(60)
]
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "pairs.json"
    file.write_text(json.dumps(rows))
    table = load_pairs(file).table
    write_pairs(Path(folder) / "pairs.parquet", table)
    assert read_pairs(Path(folder) / "pairs.parquet").margins.shape == (60, 5)

recipe = load_recipe("content-then-manner", [
    "stage2.filter.manner.maxims=[manner, politeness]", "stage2.weights.politeness=2"
])
stage = recipe.stages[1]
assert stage.weights.as_array().tolist() == [0, 0, 0, 1, 2]
filtered = apply_filter(stage.filter, table.margins)
margins = table.margins
kept = (margins[:, 3] + margins[:, 4] > 0.2) & (margins[:, 2] > -0.1) & (margins[:, 0] > -0.1)
assert (filtered.kept == kept).all() and 0 < filtered.num_kept < 60
assert len(plan_stages(recipe, table, seed=0)) == 2
assert "politeness" in summarise({"stage2": filtered}, margins).stages[0].margins
assert joint_control(recipe).stages[0].weights.as_array().tolist() == [1] * 5
assert len(Temperatures().as_array()) == 5

data = OpenData(table)
assert data.margin_counts.sum(axis=1).tolist() == [60] * 5
panels = [panel.title for panel in stage_panels(stage)]
assert panels == [*maxims.MAXIMS, "manner + politeness"]
"""

_JUDGING = """
import tempfile
import torch
from grice_core.detector.cross_validation import cross_validated
from grice_core.detector.fit import FitSettings, Place
from grice_core.detector.labels import load_labels
from grice_core.detector.rubric import default_rubric_text, parse_rubric
from grice_core.detector.student import new_student
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError
from tests.detector import lessons, tiny

try:
    parse_rubric(default_rubric_text(), "mine.yaml")
except DetectorError as error:
    assert "mine.yaml: maxims.politeness: Field required" in str(error)
else:
    raise AssertionError
rubric = parse_rubric(default_rubric_text() + "  politeness: Politeness. Be kind.", "mine.yaml")
_, asked = rubric.messages(maxims.Maxim.POLITENESS, JudgedText("a", "b", "c"))
assert "Rule: Politeness. Be kind." in asked["content"]

with tempfile.TemporaryDirectory() as folder:
    texts = load_labels(lessons.write_labels(Path(folder) / "labels.json", 40))
    encoder = str(tiny.write_encoder(Path(folder) / "encoder"))
    place = Place(torch.device("cpu"), torch.float32)
    found = cross_validated(
        texts, lambda: new_student(encoder, "cls", place, 0), FitSettings(epochs=1, holdout_share=0.25), num_folds=2
    )
    assert found.shape == (80, 5)
"""


@pytest.mark.parametrize(
    "work", [_IMPORTS, _WORK, _JUDGING], ids=["every module", "data to histograms", "judging"]
)
def test_a_fifth_maxim_is_one_line(work: str) -> None:
    subprocess.run([sys.executable, "-c", _WITH_A_FIFTH_MAXIM + work], check=True)


def test_each_maxim_has_a_colour_of_its_own() -> None:
    assert len({maxim.colour for maxim in MAXIMS}) == len(MAXIMS)
