"""When a detector is too weak to judge."""

import numpy as np

from grice_core.cli.detector.tables import cautions_of
from grice_core.detector.metrics import WEAK, MaximMetrics, macro_f1, measure
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
    quantity = metrics.maxims[Maxim.QUANTITY]
    figures = (quantity.auroc, quantity.f1, quantity.precision, quantity.recall)
    assert figures == (None,) * 4
    assert metrics.weak_maxims == ()  # nothing says that it is weak
    assert metrics.unmeasured_maxims == {Maxim.QUANTITY: "no labelled text violates it"}
    assert metrics.macro_f1 == 1.0  # of the three that have one
    assert metrics.macro_f1_words == "macro-F1 of 3 maxims 1.000"
    assert cautions_of(metrics) == ["quantity: not measured: no labelled text violates it."]
    # Older records say 0 of it.
    zero = {"value": 0.0, "low": 0.0, "high": 0.0}
    old = quantity.model_dump() | {"f1": zero, "precision": zero, "recall": zero}
    assert MaximMetrics.model_validate(old).f1 is None


def test_a_maxim_that_all_violate_has_recall_but_no_ranking() -> None:
    labels = np.ones((400, 4))
    violated = np.zeros((400, 4), dtype=bool)
    metrics = measure(labels, np.full((400, 4), 0.2), violated, GROUPS, "sha")
    manner = metrics.maxims[Maxim.MANNER]
    assert (manner.auroc, manner.precision) == (None, None)  # nothing was called a violation
    assert manner.f1 is not None
    assert manner.recall is not None
    assert (manner.f1.value, manner.recall.value) == (0.0, 0.0)
    assert manner.caution == "not measured: every labelled text violates it"


def test_a_weak_judge_is_cautioned_about_by_its_auroc() -> None:
    metrics = measure(LABELS, RNG.random((400, 4)), LABELS > 0.5, GROUPS, "sha")
    assert cautions_of(metrics)[0] == f"quantity: {WEAK} (AUROC may be below 0.6)."


def test_without_any_violation_there_is_no_f1_at_all() -> None:
    metrics = measure(np.zeros((400, 4)), RNG.random((400, 4)), LABELS > 0.5, GROUPS, "sha")
    assert metrics.macro_f1 is None
    assert metrics.macro_f1_words == "no F1"


def test_macro_f1_is_the_mean_of_the_maxims() -> None:
    labels = np.array([[1.0, 1, 0, 0], [1, 0, 0, 0]])
    violated = np.array([[True, True, False, True], [False, False, False, False]])
    # F1: 2·1/(2+1), 1, 0 and 0
    assert macro_f1(labels, violated) == (2 / 3 + 1) / 4
