"""What `python -m benchmarks.trust` simulates at length, in short."""

import numpy as np

from benchmarks.trust.coverage import Cell, draw, of_changes, of_rates
from benchmarks.trust.peeking import excludes, pick_in_order
from benchmarks.trust.stopping import judge_until_decided, true_state
from benchmarks.trust.worlds import KINDS, draw_world
from grice_core.evaluation.verdict import State
from grice_core.recipes.config import EvaluationConfig

CONFIG = EvaluationConfig()


def test_planned_intervals_hold_the_truth_where_a_good_detector_errs_seldom() -> None:
    """The kind of cell that held it too seldom: few labels, many prompts, few errors to see."""
    cell = Cell(num_prompts=300, samples=1, auroc=0.9, num_gold=20)
    rng = np.random.default_rng(0)
    assert of_rates(cell, 0.9, 300, rng).covered >= 92
    assert of_changes(cell, (0.3, 0.1), 300, rng).covered >= 92


def test_a_look_after_each_label_hardly_ever_excludes_the_truth() -> None:
    cell, rng, num = Cell(100, 1, 0.9, 40), np.random.default_rng(1), 200
    truth, judged = draw(cell, 0.9, num, rng)
    picks = pick_in_order(1 + np.abs(judged[..., 0]), cell.num_gold, rng)
    hits = np.zeros(2)
    for each in zip(truth, judged, picks, strict=True):
        hits += excludes(0.9, "rate", *each)
    by_sequences, by_planned_intervals = hits / num
    assert by_sequences <= 0.06
    assert by_planned_intervals > by_sequences


def test_picked_judgements_decide_rightly_even_if_the_detector_is_fooled() -> None:
    rng = np.random.default_rng(2)
    for kind, is_fooled in ((KINDS[1], False), (KINDS[2], True)):
        world = draw_world(kind, 0.9, 150, rng, is_fooled)
        stop = judge_until_decided(world, CONFIG, is_uniform=False, rng=rng)
        assert stop.state == true_state(kind, CONFIG, rng) != State.UNDECIDED
        assert 10 <= stop.num_judged < 150
