"""Whether the data's own chosen responses would meet the success criterion."""

import numpy as np

from grice_core.evaluation.reach import reach_of
from grice_core.recipes.config import EvaluationConfig
from tests.data.tables import UNSCORED, table_of

WELL = (1.0, 1.0, 1.0, 1.0)  # chosen scores 0, rejected 1
BAD_MANNER = (1.0, 1.0, 1.0, -0.5)  # chosen manner 0.75, rejected 0.25


def test_rates_are_those_of_scored_pairs_under_their_scores() -> None:
    reach = reach_of(table_of([WELL, BAD_MANNER, BAD_MANNER, BAD_MANNER, UNSCORED]))

    assert reach is not None
    assert reach.num_pairs == 4
    assert reach.chosen["manner"] == 0.75
    assert reach.chosen["cooperative"] == 0.25
    assert reach.rejected["manner"] == 0.25
    assert reach.rejected["cooperative"] == 0.0
    assert reach.sentence(EvaluationConfig()) == (
        "the data's own chosen responses are 25.0 % cooperative, the rejected 0.0 % (chosen: manner "
        "violated 75.0 %): the success criterion of 60 % can't be expected to be met"
    )


def test_a_criterion_that_the_chosen_responses_meet_is_not_doubted() -> None:
    reach = reach_of(table_of([WELL]))
    assert reach is not None
    assert reach.is_met(EvaluationConfig())
    assert "criterion" not in reach.sentence(EvaluationConfig())


def test_thresholds_are_the_detectors() -> None:
    strict = np.array([0.5, 0.5, 0.5, 0.8])
    reach = reach_of(table_of([BAD_MANNER]), strict)
    assert reach is not None
    assert reach.chosen["cooperative"] == 1.0


def test_unscored_pairs_have_no_rates() -> None:
    assert reach_of(table_of([UNSCORED])) is None
