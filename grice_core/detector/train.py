"""A detector made from labelled texts."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from grice_core.data.pairs import FloatArray
from grice_core.detector.calibrate import Calibration, calibrate
from grice_core.detector.fit import Epoch, FitSettings, Task
from grice_core.detector.folder import Destination, new_detector_folder
from grice_core.detector.labels import LabelledTexts, Split
from grice_core.detector.losses import focal_loss, inverse_frequency_weights
from grice_core.detector.metrics import macro_f1, measure
from grice_core.detector.parts import split_of_part
from grice_core.detector.record import DetectorRecord, Temperatures, TrainingData
from grice_core.detector.seen import write_seen
from grice_core.detector.student import Student
from grice_core.detector.thresholds import best_f1_thresholds
from grice_core.detector.weights import write_detector
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS
from grice_core.progress import Progress, silent

_MAX_REPEATED = 0.1
"""Share of a maxim's test violations that may repeat a training response without a remark."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What training brought."""

    record: DetectorRecord
    epochs: list[Epoch]
    split: Split


def train_detector(
    labelled: LabelledTexts,
    student: Student,
    settings: FitSettings,
    out: Destination,
    progress: Progress = silent,
) -> Trained:
    """Train by focal loss, stop on macro-F1, calibrate, measure, and write the detector's folder.

    The texts are split by dialogue: validation decides when to stop, the temperatures and the
    thresholds; the test texts decide nothing, and the metrics come from them.

    Raises:
        DataError: there are too few dialogues to hold some out.
        OutputError: there is something else at the destination.
        TrainingError: the loss is no longer a number.
    """
    with new_detector_folder(out.folder, overwrite=out.overwrite) as folder:
        training = TrainingData(
            sha256=labelled.sha256,
            seed=settings.seed,
            holdout_share=settings.holdout_share,
            num_parts=settings.num_parts,
            part=settings.part,
        )
        split = split_of_part(labelled, training)
        check_split(split, labelled)
        epochs = learn_labels(split, student, settings, progress)
        record = _measured_record(split, student, training)
        record = write_detector(folder, student.model, student.encoder.tokenizer, record)
        write_seen(folder, split)
    return Trained(record, epochs, split)


def learn_labels(
    split: Split, student: Student, settings: FitSettings, progress: Progress
) -> list[Epoch]:
    """Train by focal loss; the validation texts decide when to stop."""
    validation = student.encode(split.validation.texts)

    def figure() -> float:
        # With thresholds of their own, as the finished detector's verdicts will have: focal loss
        # and rare violations keep the probabilities of a young detector below 0.5.
        probabilities, labels = expit(student.logits(validation)), split.validation.labels
        return macro_f1(labels, probabilities > best_f1_thresholds(probabilities, labels))

    weights = inverse_frequency_weights(split.train.labels)
    task = Task(
        encoded=student.encode(split.train.texts),
        targets=split.train.labels,
        loss=focal_loss(settings.focal_alpha, settings.focal_gamma, weights),
        figure=figure,
        pad_token_id=student.pad_token_id,
    )
    return student.learn(task, settings, progress)


def _measured_record(split: Split, student: Student, training: TrainingData) -> DetectorRecord:
    """Calibrated on the validation texts, measured on the test texts."""
    calibration = _calibrate(split.validation, student)
    test = split.test
    probabilities = expit(_logits(test, student) / calibration.temperatures.as_array())
    violated = probabilities > calibration.thresholds.as_array()
    return DetectorRecord(
        architecture=student.architecture,
        max_length=student.encoder.max_length,
        temperatures=calibration.temperatures,
        thresholds=calibration.thresholds,
        origin=f"trained on {len(split.train):,} labelled texts{_of_part(training)}, {student.start}",
        weights_sha256="",
        training=training,
        metrics=measure(test.labels, probabilities, violated, test.groups, test.sha256),
        remarks=(*calibration.remarks, *repetition_remarks(split)),
    )


def _of_part(training: TrainingData) -> str:
    """Which part of the labels they are, if these were split."""
    if training.num_parts == 1:
        return ""
    return f" of part {training.part} of {training.num_parts} (no dialogue is in two parts)"


def _calibrate(labelled: LabelledTexts, student: Student) -> Calibration:
    logits = _logits(labelled, student)
    return calibrate(logits, labelled.labels, labelled.groups, Temperatures())


def _logits(labelled: LabelledTexts, student: Student) -> FloatArray:
    return student.logits(student.encode(labelled.texts))


_OF_FIGURES = "its figures say little about others."


def repetition_remarks(split: Split) -> tuple[str, ...]:
    """What to say of maxims whose test violations were seen word for word in training.

    A split by dialogue can't keep them apart where canned responses were put into many dialogues.
    """
    seen = {text.response for text in split.train.texts}
    repeated = np.array([text.response in seen for text in split.test.texts])
    remarks = []
    for maxim in MAXIMS:
        violated = split.test.labels[:, maxim.column] == 1
        count, total = int((violated & repeated).sum()), int(violated.sum())
        if count > _MAX_REPEATED * total:
            remarks.append(
                f"{count:,} of the {total:,} test texts that violate {maxim} have a response that "
                f"stands word for word in the training texts: {_OF_FIGURES}"
            )
    return tuple(remarks)


def is_of_the_detector(remark: str) -> bool:
    """Whether a record's remark stays true when its figures are replaced by those of other texts."""
    return not remark.endswith(_OF_FIGURES)


def check_split(split: Split, labelled: LabelledTexts) -> None:
    """Refuse to train where nothing could be learnt or nothing would be left to judge by.

    Raises:
        DataError: a part is empty.
    """
    if not all(len(part) for part in (split.train, split.validation, split.test)):
        raise DataError(
            f"{len(labelled):,} texts of {len(set(labelled.groups)):,} dialogues are too few to "
            "train on some and hold others out; give more, or another --holdout or --seed"
        )
