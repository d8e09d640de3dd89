"""When a detector is too weak to judge."""

import numpy as np
import pytest

from grice_core.cli.detector.tables import cautions_of
from grice_core.detector.metrics import (
    WEAK,
    CooperativeMetrics,
    MaximMetrics,
    Metrics,
    macro_f1,
    measure,
)
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


def judged(num_called: int, num_sound: int) -> CooperativeMetrics:
    """A judge that finds all of 100 violating texts, and calls so many of the others cooperative."""
    labels = np.zeros((100 + num_sound, 4))
    labels[:100, 0] = 1
    violated = labels == 1
    violated[100 + num_called :, 3] = True
    groups = [str(number) for number in range(len(labels))]
    found = measure(labels, violated * 1.0, violated, groups, "sha")
    assert found.cooperative is not None
    return found.cooperative


def test_a_judge_that_faults_texts_without_a_violation_is_too_harsh() -> None:
    harsh = judged(1, 12)
    assert harsh.words == "called cooperative: 1 of 12 texts without a violation, 0 of 100 with one"
    assert harsh.at_most == pytest.approx(0.385, abs=0.001)  # Clopper and Pearson's table
    assert harsh.caution is not None
    assert harsh.caution.startswith("of 12 texts without a violation it calls 1 cooperative")
    assert [judged(*counts).caution for counts in ((9, 12), (0, 3), (0, 0))] == [None] * 3


def test_harshness_is_cautioned_about_unless_it_was_not_measured() -> None:
    sound = np.zeros((400, 4))
    sound[:50] = LABELS[:50]
    metrics = measure(sound, sound * 0.8 + 0.1, np.ones((400, 4), dtype=bool), GROUPS, "sha")
    assert cautions_of(metrics)[-1].startswith("too harsh: of ")
    before = metrics.model_dump()
    del before["cooperative"]  # as older records are
    assert Metrics.model_validate(before).harshness is None
