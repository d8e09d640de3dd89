import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from grice_core.evaluation.agreement import agreements
from grice_core.evaluation.intervals import wilson_interval
from grice_core.evaluation.violations import COOPERATIVE

NONE = [False] * 4


def test_agreement_by_hand() -> None:
    # Two prompts, two models; the detector alone sees that the last answer violates manner.
    person = np.array([[[True, False, False, False], NONE], [NONE, NONE]])
    detector = np.array([[[True, False, False, False], NONE], [NONE, [False, False, False, True]]])

    found = {one.measure: one for one in agreements(person, detector)}

    assert (found["quantity"].num_agreed, found["quantity"].num_answers) == (4, 4)
    assert (found["manner"].num_agreed, found["manner"].rate) == (3, 0.75)
    assert found[COOPERATIVE].rate == 0.75
    # Quality: both always say "not violated", which chance would, too.
    assert found["quality"].kappa is None
    assert found["manner"].kappa == 0.0
    # Cooperative: agreed 3 of 4; by chance 3/4 · 2/4 + 1/4 · 2/4 = 1/2.
    assert found[COOPERATIVE].kappa == pytest.approx(0.5)


def test_the_interval_is_wilsons_over_the_answers_of_each_prompt() -> None:
    draw = np.random.default_rng(0)
    person, detector = draw.random((2, 10, 3, 4)) < 0.4

    found = agreements(person, detector)[0]

    agreed = (person == detector)[..., 0].astype(float)
    assert found.interval == wilson_interval(agreed)
    assert found.interval.low < found.rate < found.interval.high


def test_kappa_is_that_of_statsmodels() -> None:
    draw = np.random.default_rng(1)
    detector = draw.random((50, 3, 4)) < 0.3
    person = np.where(draw.random((50, 3, 4)) < 0.2, ~detector, detector)

    found = agreements(person, detector)[2]

    ours, theirs = person[..., 2].ravel(), detector[..., 2].ravel()
    table = [
        [int(((ours == a) & (theirs == b)).sum()) for b in (False, True)] for a in (False, True)
    ]
    assert found.kappa == pytest.approx(cohens_kappa(np.array(table)).kappa)
