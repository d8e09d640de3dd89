"""Out-of-sample probabilities of all labelled texts: each by a detector that was trained without its dialogue."""

import hashlib
from collections.abc import Callable

import numpy as np
from scipy.special import expit

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.data.split import holdout_mask
from grice_core.detector.calibrate import calibrate
from grice_core.detector.fit import FitSettings
from grice_core.detector.labels import LabelledTexts, Split
from grice_core.detector.record import Temperatures
from grice_core.detector.student import Student
from grice_core.detector.train import check_split, learn_labels
from grice_core.maxims import MAXIMS
from grice_core.progress import PartOf, Progress, silent


def cross_validated(
    labelled: LabelledTexts,
    new_student: Callable[[], Student],
    settings: FitSettings,
    num_folds: int,
    progress: Progress = silent,
) -> FloatArray:
    """(N, 4) probabilities of a violation, each by a calibrated detector that has not seen the dialogue.

    Of the texts of the other folds, `settings.holdout_share` decide when to stop and calibrate.

    Raises:
        DataError: a fold has no texts, or leaves too few.
        TrainingError: the loss is no longer a number.
    """
    probabilities = np.zeros((len(labelled), len(MAXIMS)))
    fold = _folds(labelled, num_folds, settings.seed)
    for number in range(num_folds):
        split = _split(labelled, fold == number, settings)
        check_split(split, labelled)
        student = new_student()
        part = PartOf(progress, 100 * number, 100, 100 * num_folds)
        learn_labels(split, student, settings, part)
        probabilities[fold == number] = _judged(split, student)
    return probabilities


def _folds(labelled: LabelledTexts, num_folds: int, seed: int) -> IntArray:
    """(N,) the fold of each text, the same for all texts of a dialogue."""

    def fold(group: str) -> int:
        digest = hashlib.sha256(f"fold\n{seed}\n{group}".encode()).digest()
        return int.from_bytes(digest[:6]) % num_folds

    of_group = {group: fold(group) for group in set(labelled.groups)}
    return np.array([of_group[group] for group in labelled.groups])


def _split(labelled: LabelledTexts, test: BoolArray, settings: FitSettings) -> Split:
    validation = ~test & holdout_mask(labelled.groups, settings.holdout_share, settings.seed)
    return Split(
        train=labelled.take(~test & ~validation),
        validation=labelled.take(validation),
        test=labelled.take(test),
    )


def _judged(split: Split, student: Student) -> FloatArray:
    """Calibrated on the validation texts."""
    logits = student.logits(student.encode(split.validation.texts))
    found = calibrate(logits, split.validation.labels, split.validation.groups, Temperatures())
    judged = student.logits(student.encode(split.test.texts))
    probabilities: FloatArray = expit(judged / found.temperatures.as_array())
    return probabilities
