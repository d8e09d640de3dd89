"""What the figures below a verdict draw."""

import numpy as np
import pytest

from app.app_pages.compare.preference_shift_figure import preference_shift_figure
from app.app_pages.compare.spread_figure import spread_figure
from app.ui.distributions import MAX_POINTS
from app.ui.pareto_figure import ParetoPoint, pareto_figure
from grice_core.evaluation.preference_shift import PreferenceShift
from grice_core.evaluation.spread import Spread
from grice_core.maxims import Maxim


def test_the_line_joins_the_front_and_open_dots_are_beaten() -> None:
    points = [
        ParetoPoint("a", "#111111", (0.3, 0.1), is_unbeaten=True),
        ParetoPoint("b", "#222222", (0.1, 0.4), is_unbeaten=True),
        ParetoPoint("c", "#333333", (0.4, 0.4), is_unbeaten=False),
    ]
    front, *dots = pareto_figure(points, ("quantity", "manner")).data
    assert list(zip(front.x, front.y, strict=True)) == [(0.1, 0.4), (0.3, 0.1)]
    assert [dot.marker.symbol for dot in dots] == ["circle", "circle", "circle-open"]


def test_names_of_pipelines_are_no_markup() -> None:
    point = ParetoPoint("<b>x</b>", "#111111", (0.3, 0.1), is_unbeaten=True)
    assert "<b>" not in pareto_figure([point], ("quantity", "manner")).data[1].hovertemplate


def test_a_dot_per_seed_and_their_mean() -> None:
    spread = Spread("quality", "stage1", (0.1, 0.3), mean=0.2, sd=0.14)
    dots, mean = spread_figure([spread], {"stage1": "#56B4E9"}).data
    assert list(dots.x) == [0.1, 0.3]
    assert dots.y[0] == dots.y[1] == mean.y[0]
    assert list(mean.x) == [0.2]


@pytest.mark.parametrize("count", [1, 25, MAX_POINTS + 5000])
def test_pairs_are_drawn_by_their_margins_and_no_more_than_a_browser_can(count: int) -> None:
    draw = np.random.default_rng(0)
    margins, rewards = draw.random((count, 4)), draw.random(count)
    pairs = PreferenceShift("stage1", "stage2", tuple(range(1, count + 1)), margins, rewards)
    dots, means = preference_shift_figure(pairs, Maxim.MANNER).data
    assert len(dots.x) == min(count, MAX_POINTS)
    at = pairs.rows.index(dots.customdata[0])
    assert dots.x[0] == pairs.data_margins[at, Maxim.MANNER.column]
    assert dots.y[0] == pairs.reward_margins[at]
    assert len(means.x) == min(count, 10)
    assert sorted(means.x) == list(means.x)
