"""What the browser counts while a threshold moves is what the core counts: to the pair, for every kind of rule."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from playwright.sync_api import Page

from app.app_pages.stages import cut_board
from app.app_pages.stages.columns import HELD_OUT, Columns
from app.app_pages.stages.cut_board import board_data
from app.state.open_data import OpenData
from grice_core.data.codes import CodedColumn, grid_edges
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.data.rules import ThresholdRule
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_margins
from grice_core.recipes.summary import summarise
from grice_core.recipes.thresholds import move, thresholds
from tests.data.tables import UNSCORED, table_of

pytestmark = pytest.mark.stack

NUM = 400
ENGINE = Path(cut_board.__file__).with_name("cut_engine.js")
LOAD = """({ numPairs, files, stages, heldOut }) => {
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer;
  const columns = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, readColumn(bytes(text), numPairs)]));
  for (const stage of stages) stage.shown = stage.panels.map((panel) => panel.column);
  globalThis.engine = new CutEngine(numPairs, columns, stages, heldOut);
}"""
"""What the board does with what it is sent."""
PLAIN = """(found) => ({ ...found, counts: Object.fromEntries(
  Object.entries(found.counts).map(([name, counts]) => [name, [...counts]])) })"""


class MeanRule(ThresholdRule):
    """A kind that the package does not have, and the scripts don't know."""

    kind: Literal["mean"] = "mean"

    def strength(self, margins: FloatArray) -> FloatArray:
        return np.asarray(np.mean(self.columns(margins), axis=0))

    @property
    def statistic(self) -> str:
        return f"mean of {' and '.join(self.maxims)}"

    @property
    def range(self) -> tuple[float, float]:
        return -1.0, 1.0


def with_mean(recipe: Recipe) -> Recipe:
    first, *others = recipe.stages
    rule = MeanRule(name="mean too small", maxims=(Maxim.QUALITY, Maxim.MANNER), above=-0.2)
    stage = first.model_copy(update={"filter": (*first.filter, rule)})
    return recipe.model_copy(update={"stages": (stage, *others)})


def awkward_margins() -> FloatArray:
    """Differences of two-digit scores, which lie on thresholds or a rounding error beside; every ninth unscored."""
    scores = np.random.default_rng(0).integers(0, 21, (2, NUM, 4)) / 20
    margins = scores[0] - scores[1]
    margins[::9] = UNSCORED
    return margins


RECIPES = {
    "content-then-manner": load_recipe("content-then-manner"),
    "joint": load_recipe("joint"),
    "a kind of its own": with_mean(load_recipe("content-then-manner")),
    "off the grid": load_recipe("content-then-manner", ["stage2.filter.manner.above=0.3333"]),
}


class Cutting:
    """The same stages in the browser and in the core."""

    def __init__(self, page: Page, recipe: Recipe, exclude: BoolArray | None) -> None:
        self.data = OpenData(table_of(awkward_margins().tolist()))
        self.recipe, self.exclude = recipe, exclude
        self.held_out = np.arange(NUM) % 7 == 0
        self.page = page
        files = Columns(self.data, [recipe]).files(exclude, self.held_out)
        sent = board_data(*self.planned(recipe), {name: name for name in files}, None, log=True)
        page.add_script_tag(content=ENGINE.read_text(encoding="utf-8"))
        given = {
            "numPairs": NUM,
            "files": {name: base64.b64encode(file).decode() for name, file in files.items()},
            "stages": sent["stages"],
            "heldOut": HELD_OUT,
        }
        page.evaluate(LOAD, given)
        self.stages: Sequence[dict[str, Any]] = sent["stages"]

    def planned(self, recipe: Recipe) -> Any:
        plan = plan_margins(recipe, self.data.margins, self.held_out, self.exclude)
        filtered = {stage.config.name: stage.filtered for stage in plan}
        return plan, summarise(filtered, self.data.margins)

    def now(self, stage: int) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(
            f"(stage) => ({PLAIN})(engine.now(engine.stages[stage]))", stage
        )
        return found

    def moved(self, stage: int, check: int, values: Sequence[float]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate(
            f"""([stage, check, values]) => values.map((value) =>
                ({PLAIN})(engine.moved(engine.stages[stage], check, value)))""",
            [stage, check, list(values)],
        )
        return found

    def expect(self, found: dict[str, Any], stage: int, recipe: Recipe) -> None:
        """Everything that the browser counted is what the core counts."""
        plan, summary = self.planned(recipe)
        planned, exact = plan[stage], summary.stages[stage]
        assert found["kept"] == exact.kept
        assert found["dropped"] == list(exact.dropped.values())
        assert found["heldOut"] == len(planned.heldout_indices)
        for other, count in found["shared"].items():
            (shared,) = (
                count
                for names, count in summary.overlap.items()
                if set(names.split("&")) == {planned.config.name, other}
            )
            assert count == shared
        for maxim in MAXIMS:
            edges = grid_edges(-1, 1)
            kept = self.data.margins[planned.filtered.kept, maxim.column]
            counts = CodedColumn.of(kept, edges).counts
            if len(found["counts"][maxim]) == len(counts):  # no edge of its own
                assert found["counts"][maxim] == counts.tolist()
            assert sum(found["counts"][maxim]) == exact.kept


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("with_leaks", [False, True])
def test_stages_keep_the_same_pairs(page: Page, name: str, with_leaks: bool) -> None:
    recipe = RECIPES[name]
    cutting = Cutting(page, recipe, np.arange(NUM) % 5 == 0 if with_leaks else None)

    for stage in range(len(recipe.stages)):
        cutting.expect(cutting.now(stage), stage, recipe)


@pytest.mark.parametrize("name", ["content-then-manner", "a kind of its own", "off the grid"])
def test_a_moving_threshold_of_any_kind_keeps_the_same_pairs_wherever_it_is(
    page: Page, name: str
) -> None:
    recipe = RECIPES[name]
    cutting = Cutting(page, recipe, np.arange(NUM) % 5 == 0)
    for threshold in thresholds(recipe):
        (stage,) = (index for index, one in enumerate(recipe.stages) if one.name == threshold.stage)
        checks = cutting.stages[stage]["checks"]
        (check,) = (
            index
            for index, one in enumerate(checks)
            if one["threshold"] and one["threshold"]["name"] == threshold.name
        )
        low, high = threshold.range
        values = [hundredths / 100 for hundredths in range(round(100 * low), round(100 * high), 7)]

        for value, found in zip(values, cutting.moved(stage, check, values), strict=True):
            cutting.expect(found, stage, move(recipe, {threshold.name: value}))


def test_means_are_those_of_the_kept_pairs_to_three_digits(page: Page) -> None:
    recipe = RECIPES["content-then-manner"]
    cutting = Cutting(page, recipe, None)
    _, summary = cutting.planned(recipe)
    for stage, exact in enumerate(summary.stages):
        found = page.evaluate(
            """(stage) => {
              const { counts } = engine.now(engine.stages[stage]);
              return Object.fromEntries(Object.keys(counts).map(
                (name) => [name, meanAndSd(engine.columns[name], counts[name])]));
            }""",
            stage,
        )
        for maxim in MAXIMS:
            assert found[maxim]["mean"] == pytest.approx(exact.margins[maxim].mean, abs=1e-3)
            assert found[maxim]["std"] == pytest.approx(exact.margins[maxim].std, abs=1e-3)


def test_a_stage_that_keeps_nothing_has_no_mean(page: Page) -> None:
    cutting = Cutting(page, load_recipe("joint"), np.ones(NUM, dtype=np.bool_))

    assert cutting.now(0)["kept"] == 0
    assert page.evaluate(
        """() => meanAndSd(engine.columns.manner, engine.now(engine.stages[0]).counts.manner)"""
    ) == {"mean": None, "std": None}


def test_the_heat_map_counts_the_kept_pairs_by_two_margins(page: Page) -> None:
    recipe = RECIPES["content-then-manner"]
    cutting = Cutting(page, recipe, None)

    found = page.evaluate(
        """() => {
          const stage = engine.stages[1];
          const axis = (name) => {
            const { codes, edges } = engine.columns[name];
            return { name, codes, numBins: edges.length + 1, binOf: [...edges.keys(), edges.length] };
          };
          const index = stage.checks.findIndex((check) => check.name === "manner");
          return [...engine.heat(stage, index, 0.05, axis("quality"), axis("manner"))];
        }"""
    )

    plan, _ = cutting.planned(move(recipe, {"stage2.filter.manner.above": 0.05}))
    kept = cutting.data.margins[plan[1].filtered.kept]
    expected = np.zeros((202, 202), dtype=np.int64)
    edges = grid_edges(-1, 1)
    places = [
        np.searchsorted(edges, kept[:, maxim.column]) for maxim in (Maxim.MANNER, Maxim.QUALITY)
    ]
    np.add.at(expected, tuple(places), 1)
    np.testing.assert_array_equal(np.reshape(found, (202, 202)), expected)
