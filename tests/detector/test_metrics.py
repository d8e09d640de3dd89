"""When a detector is too weak to judge."""

import numpy as np

from grice_core.detector.metrics import macro_f1, measure
from grice_core.maxims import Maxim

RNG = np.random.default_rng(0)
GROUPS = [str(i) for i in range(400)]
LABELS = (RNG.random((400, 4)) < 0.4).astype(np.float64)


def test_a_coin_is_too_weak_and_a_sharp_eye_is_not() -> None:
    probabilities = RNG.random((400, 4))
    probabilities[:, Maxim.MANNER.column] = np.clip(
        LABELS[:, Maxim.MANNER.column] * 0.5 + RNG.random(400) * 0.5, 0, 1
    )
    metrics = measure(LABELS, probabilities, probabilities > 0.5, GROUPS, "sha")
    assert metrics.weak_maxims == (Maxim.QUANTITY, Maxim.QUALITY, Maxim.RELATION)
    manner = metrics.maxims[Maxim.MANNER]
    assert manner.auroc is not None
    assert manner.auroc.low <= manner.auroc.value <= manner.auroc.high
    assert manner.support == LABELS[:, Maxim.MANNER.column].sum()


def test_a_maxim_that_nobody_violates_cannot_be_judged() -> None:
    labels = LABELS.copy()
    labels[:, 0] = 0
    metrics = measure(labels, LABELS * 0.8, LABELS > 0.5, GROUPS, "sha")
    assert metrics.maxims[Maxim.QUANTITY].auroc is None
    assert metrics.weak_maxims == (Maxim.QUANTITY,)


def test_macro_f1_is_the_mean_of_the_maxims() -> None:
    labels = np.array([[1.0, 1, 0, 0], [1, 0, 0, 0]])
    violated = np.array([[True, True, False, True], [False, False, False, False]])
    # F1: 2·1/(2+1), 1, 0 and 0
    assert macro_f1(labels, violated) == (2 / 3 + 1) / 4
