"""How good a detector is on labelled texts, and what the labels make of it."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from grice_core.data.near_duplicates import NEAR
from grice_core.data.pairs import FloatArray
from grice_core.detector.calibrate import Calibration, calibrate
from grice_core.detector.folder import update_record
from grice_core.detector.judge import Detector
from grice_core.detector.label_errors import rank_label_errors
from grice_core.detector.labels import LabelledTexts
from grice_core.detector.metrics import Metrics, macro_f1, measure
from grice_core.detector.parts import split_again
from grice_core.detector.record import DetectorRecord
from grice_core.detector.reliability import write_reliability
from grice_core.detector.seen_nearly import nearest_seen
from grice_core.detector.template import JudgedText
from grice_core.detector.train import is_of_the_detector, repetition_remarks
from grice_core.detector.unseen import unseen_texts
from grice_core.files import write_json_atomic
from grice_core.maxims import MAXIMS, Maxim
from grice_core.progress import Progress, silent

NUM_MISTAKES = 5
_NOT_TRAINED_ON = "by this detector, of texts that it was not trained on"


@dataclass(frozen=True)
class Mistake:
    """A verdict that the label contradicts."""

    maxim: Maxim
    row: int
    """1-based, in the labels' file."""
    text: JudgedText
    violated: bool
    """According to the label."""
    probability: float
    """That the detector gave to a violation."""

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            "maxim": self.maxim,
            "row": self.row,
            **vars(self.text),
            "violated": self.violated,
            "probability": self.probability,
        }


@dataclass(frozen=True)
class NearSeen:
    """Texts that count, though they are near-duplicates of some that the detector was made with."""

    rows: tuple[int, ...]
    """1-based, in the labels' file."""
    num_texts: int
    """With the others."""
    most_similar: float
    macro_f1: float
    macro_f1_without: float

    @property
    def sentence(self) -> str:
        """How many, and what the figures would be without them."""
        return (
            f"{len(self.rows):,} of the {self.num_texts:,} texts are near-duplicates (similarity {NEAR:g} or "
            f"more, at most {self.most_similar:.2f}) of texts that the detector was trained on, such as row "
            f"{self.rows[0]:,}; without them macro-F1 is {self.macro_f1_without:.2f} instead of "
            f"{self.macro_f1:.2f}."
        )

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {**asdict(self), "rows": list(self.rows)}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the labels say about a detector."""

    labelled: LabelledTexts
    """The texts that were judged: only those that it was not trained on."""
    probabilities: FloatArray
    """(N, 4)."""
    metrics: Metrics
    mistakes: tuple[Mistake, ...]
    """The most confident ones of each maxim."""
    note: str | None
    """What was left out, and why; or that it can't be known."""
    num_seen: int = 0
    """Texts that were left out since the detector was trained on them."""
    near: NearSeen | None = None
    """The texts that it was nearly trained on, and that count."""

    def is_outdone_by(self, record: DetectorRecord) -> bool:
        """Whether the figures in a record say more: these had texts left out, and rest on fewer."""
        known = record.metrics
        return bool(self.num_seen) and known is not None and known.num_texts > len(self.labelled)

    def remarks(self, record: DetectorRecord) -> tuple[str, ...]:
        """What to say of these figures beside those that the record holds."""
        stay: tuple[str, ...] = ()
        if self.is_outdone_by(record) and record.metrics is not None:
            stay = (
                f"The figures on {record.metrics.num_texts:,} texts that it was not trained on stay: "
                "they rest on more texts than these.",
            )
        return (*filter(None, [self.note]), *stay)

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            **self.metrics.model_dump(mode="json"),
            "weak_maxims": list(self.metrics.weak_maxims),
            "unmeasured_maxims": self.metrics.unmeasured_maxims,
            "mistakes": [mistake.document() for mistake in self.mistakes],
            "note": self.note,
            "num_seen": self.num_seen,
            "near_duplicates": None if self.near is None else self.near.document(),
        }


def write_evaluation(
    folder: Path, record: DetectorRecord, evaluation: Evaluation
) -> DetectorRecord:
    """Write figures, mistakes and diagrams into a detector's folder; returns its record.

    Where texts had to be left out, figures that rest on more texts stay instead.
    """
    if evaluation.is_outdone_by(record):
        return record
    measured = record.model_copy(
        update={
            "metrics": evaluation.metrics,
            "metrics_note": evaluation.note,
            "remarks": _still_true(record, evaluation.metrics),
        }
    )
    update_record(folder, measured)
    kept = folder / "evaluation"
    kept.mkdir(exist_ok=True)
    write_json_atomic(kept / "evaluation.json", evaluation.document())
    write_reliability(kept, evaluation.probabilities, evaluation.labelled.labels)
    rank_label_errors(evaluation.labelled, evaluation.probabilities, _NOT_TRAINED_ON).write(kept)
    return measured


def _still_true(record: DetectorRecord, metrics: Metrics) -> tuple[str, ...]:
    """The record's remarks, without those on figures that others take the place of."""
    training = record.training
    if training is not None and training.sha256 == metrics.data_sha256:
        return record.remarks
    return tuple(filter(is_of_the_detector, record.remarks))


def evaluate_detector(
    detector: Detector, labelled: LabelledTexts, progress: Progress = silent
) -> Evaluation:
    """Judge labelled texts and compare; only those count that the detector was not trained on.

    Raises:
        DataError: it was trained on all of them.
    """
    unseen = unseen_texts(detector, labelled)
    judgement = detector.judge(unseen.test.texts, progress=progress)
    probabilities = detector.probabilities(judgement)
    near = near_seen(detector, unseen.test, probabilities)
    return Evaluation(
        labelled=unseen.test,
        probabilities=probabilities,
        metrics=measure(
            unseen.test.labels,
            probabilities,
            probabilities > detector.thresholds,
            unseen.test.groups,
            labelled.sha256,
        ),
        mistakes=find_mistakes(unseen.test, probabilities, detector.thresholds),
        note=" ".join(filter(None, [unseen.note, None if near is None else near.sentence])) or None,
        num_seen=len(labelled) - len(unseen.test),
        near=near,
    )


def near_seen(
    detector: Detector, labelled: LabelledTexts, probabilities: FloatArray
) -> NearSeen | None:
    """The judged texts that are nearly among those that the detector was made with; None: none known."""
    if detector.seen_shingles is None:
        return None
    found = nearest_seen(labelled.texts, detector.seen_shingles)
    near = found.reaches(NEAR)
    if not near.any():
        return None
    violated = probabilities > detector.thresholds
    return NearSeen(
        rows=tuple(
            row for row, is_near in zip(labelled.rows, near.tolist(), strict=True) if is_near
        ),
        num_texts=len(labelled),
        most_similar=float(found.similarity.max()),
        macro_f1=macro_f1(labelled.labels, violated),
        macro_f1_without=macro_f1(labelled.labels[~near], violated[~near]),
    )


def find_mistakes(
    labelled: LabelledTexts, probabilities: FloatArray, thresholds: FloatArray
) -> tuple[Mistake, ...]:
    """Of each maxim the wrong verdicts whose probability is farthest from the label."""
    wrong = (probabilities > thresholds) != (labelled.labels == 1)
    distance = np.where(wrong, np.abs(probabilities - labelled.labels), -1.0)
    mistakes = []
    for maxim in MAXIMS:
        column = maxim.column
        for i in np.argsort(-distance[:, column], kind="stable")[:NUM_MISTAKES].tolist():
            if wrong[i, column]:
                probability = float(probabilities[i, column])
                truth = bool(labelled.labels[i, column] == 1)
                row, text = labelled.rows[i], labelled.texts[i]
                mistakes.append(Mistake(maxim, row, text, truth, probability))
    return tuple(mistakes)


def _lasting(detector: Detector) -> tuple[str, ...]:
    """What calibration does not change: where texts are sent."""
    endpoint = detector.record.endpoint
    return () if endpoint is None else (endpoint.what_leaves,)


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A detector's record with new temperatures and thresholds."""

    record: DetectorRecord
    calibration: Calibration
    note: str | None
    """What was left out, and why."""


def calibrate_detector(
    detector: Detector,
    labelled: LabelledTexts,
    precision: float | None = None,
    progress: Progress = silent,
) -> Calibrated:
    """Find temperatures and thresholds on labelled texts, and measure the detector with them.

    Texts that the detector was trained on are left out.

    Of the detector's own training file the validation part is used, and the metrics come from the
    test part. Otherwise the metrics are cross-fitted: each text is judged with the temperature
    and threshold found on the other dialogues.
    """
    split = split_again(labelled, detector.record.training)
    unseen = unseen_texts(detector, labelled)
    judged = split.validation if split else unseen.test
    logits = detector.judge(judged.texts, progress=progress).logits
    before = detector.record.temperatures
    found = calibrate(logits, judged.labels, judged.groups, before, precision)
    record = detector.record.model_copy(
        update={
            "temperatures": found.temperatures,
            "thresholds": found.thresholds,
            "remarks": (
                *_lasting(detector),
                *found.remarks,
                *(repetition_remarks(split) if split else ()),
            ),
            "agreement": None,  # it was that of other probabilities
            "metrics_note": unseen.note,
        }
    )
    note = unseen.note
    if split:
        note = "The detector was trained on this file: its validation part calibrates it."
        metrics = evaluate_detector(replace(detector, record=record), labelled, progress).metrics
    else:
        verdicts = (found.probabilities, found.violated)
        metrics = measure(judged.labels, *verdicts, judged.groups, judged.sha256)
    return Calibrated(record.model_copy(update={"metrics": metrics}), found, note)
