"""Where a trial's values lie on the axes of parallel coordinates."""

from typing import Any

import pytest

from app.app_pages.sweep.sweep_figures import importance_figure, parallel_figure
from grice_core.evaluation.violations import MEASURES
from grice_core.recipes.load import load_recipe
from grice_core.sweep.search import AS_IT_IS, Search
from grice_core.sweep.space import parse_varied

VARIED = ("stage2.beta=0.1..0.5", "stage2.learning_rate=1e-5..1e-3:log", "stage2.loss_type=dpo,ipo")
SEARCH = Search(load_recipe("content-then-manner"), tuple(map(parse_varied, VARIED)))


def trial(name: str, *values: str, rate: float = 0.5, on_front: bool = False) -> dict[str, Any]:
    names = [each.partition("=")[0] for each in VARIED]
    overrides = [f"{field}={value}" for field, value in zip(names, values, strict=False)]
    rates = {measure: {"rate": rate, "low": 0.0, "high": 1.0} for measure in MEASURES}
    return {"name": name, "overrides": overrides, "on_front": on_front, "rates": rates}


def test_a_value_lies_in_its_range_as_the_search_spreads_it_and_a_rate_among_those_seen() -> None:
    low = trial("000", "0.2", "1e-4", "dpo", rate=0.2)
    high = trial("001", "0.5", "1e-3", "ipo", rate=0.6, on_front=True)
    as_it_is = trial(AS_IT_IS, rate=0.9)
    failed = trial("002", "0.3", "1e-4", "dpo") | {"rates": None, "failure": "no pair is left"}
    first, second = parallel_figure(SEARCH, [as_it_is, high, low, failed]).data
    assert list(first.y) == pytest.approx([0.25, 0.5, 0.0, *[0.0] * len(MEASURES)])
    assert list(second.y) == pytest.approx([1.0, 1.0, 1.0, *[1.0] * len(MEASURES)])
    assert second.line.width > first.line.width, "the front is drawn last, and thicker"


def test_what_matters_most_stands_on_top() -> None:
    (bars,) = importance_figure({"stage2.beta": 0.2, "stage2.loss_type": 0.8}).data
    assert list(bars.y) == ["stage2.beta", "stage2.loss_type"]
