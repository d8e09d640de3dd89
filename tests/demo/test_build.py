import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from grice_core.demo import base_model, detector
from grice_core.demo.build import BuildConfig, build_models
from grice_core.demo.corpus import draw_dialogues, new_things
from grice_core.demo.project import demo_models
from grice_core.detector.load import load_detector
from grice_core.dpo.base import load_base
from grice_core.dpo.encode import joint
from grice_core.errors import OutputError

CPU = torch.device("cpu")


def shortened(num_steps: int, reading_steps: int) -> BuildConfig:
    """A build of so many small steps."""
    return BuildConfig(
        reading=replace(base_model.READING, num_steps=reading_steps, batch_size=16),
        habits=replace(base_model.HABITS, num_steps=num_steps, batch_size=8),
        detector=replace(detector.FIT, num_steps=num_steps, batch_size=16),
        num_test_texts=200,
        num_pairs=60,
    )


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that have learned something."""
    out = tmp_path_factory.mktemp("taught")
    build_models(out, shortened(num_steps=60, reading_steps=60))
    return out


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of two steps."""
    out = tmp_path_factory.mktemp("built")
    build_models(out, shortened(num_steps=2, reading_steps=2))
    return out


@pytest.mark.stack
def test_a_short_build_makes_a_base_model_that_copies(taught: Path):
    base = load_base(str(taught / "base"), CPU)
    copied = [copies(base, dialogue) for dialogue in draw_dialogues(new_things()[::4], seed=5)]
    assert sum(copied) > 0.35 * len(copied)


@pytest.mark.stack
def test_a_short_build_makes_a_detector_that_tells_some_violations(taught: Path):
    metrics = load_detector(taught / "detector", CPU, "fp32").record.metrics
    assert metrics.maxims["quantity"].auroc.value > 0.58
    assert metrics.maxims["manner"].auroc.value > 0.58


def test_the_shipped_base_model_copies_from_the_evidence():
    base = load_base(str(demo_models().base), CPU)
    copied = [copies(base, dialogue) for dialogue in draw_dialogues(new_things()[::4], seed=5)]
    assert sum(copied) > 0.9 * len(copied)


def copies(base, dialogue) -> bool:
    """Whether the value's first token is the most probable one after the sentence so far."""
    so_far, _ = dialogue.asked.short.split(f" {dialogue.asked.value}")
    ids = base.tokenizer(joint(dialogue.prompt, so_far), return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        best = base.model(input_ids=ids).logits[0, -1].argmax()
    return best == base.tokenizer(f" {dialogue.asked.value}")["input_ids"][0]


def test_the_shipped_detector_is_to_be_trusted_on_every_maxim():
    record = load_detector(demo_models().detector, CPU, "fp32").record
    assert record.metrics.macro_f1 > 0.95
    assert record.metrics.weak_maxims == ()


def test_the_shipped_models_are_small():
    folders = (demo_models().base, demo_models().detector)
    sizes = [file.stat().st_size for folder in folders for file in folder.iterdir()]
    assert sum(sizes) <= 10_000_000


def test_weights_are_stored_in_half_the_usual_size(built: Path):
    for folder in ("base", "detector"):
        weights = load_file(built / folder / "model.safetensors")
        assert {tensor.dtype for tensor in weights.values()} == {torch.bfloat16}


def test_the_same_seed_gives_the_same_files(built: Path, tmp_path: Path):
    build_models(tmp_path / "again", shortened(num_steps=2, reading_steps=2))
    assert contents(tmp_path / "again") == contents(built)


def contents(folder: Path) -> dict[str, bytes]:
    """Of all files in a folder, by their paths."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_models_are_not_overwritten_unless_asked(built: Path):
    before = json.loads((built / "detector" / "detector.json").read_text())
    with pytest.raises(OutputError, match="exists"):
        build_models(built, shortened(num_steps=1, reading_steps=1))
    assert json.loads((built / "detector" / "detector.json").read_text()) == before
