"""A student that learns a teacher's scores."""

import numpy as np
from scipy.special import expit

from grice_core.data.pairs import FloatArray, PairTable
from grice_core.data.prompts import normalise_prompt
from grice_core.detector.fit import Epoch, FitSettings, Task
from grice_core.detector.folder import Destination, new_detector_folder
from grice_core.detector.labels import LabelledTexts, Split, split_by_group
from grice_core.detector.losses import soft_target_loss
from grice_core.detector.record import Agreement, DetectorRecord, TrainingData
from grice_core.detector.seen import write_seen
from grice_core.detector.student import Student
from grice_core.detector.template import JudgedText
from grice_core.detector.train import Trained, check_split
from grice_core.detector.weights import write_detector
from grice_core.errors import DataError
from grice_core.formatting import signed
from grice_core.maxims import MAXIMS, Maxim
from grice_core.progress import Progress, silent

_WEAK_CORRELATION = 0.3
"""A rank correlation to the teacher below this is remarked on."""


def distill_detector(
    table: PairTable,
    sha256: str,
    student: Student,
    settings: FitSettings,
    out: Destination,
    progress: Progress = silent,
) -> Trained:
    """Train on the scores of scored pairs as soft targets, and write the detector's folder.

    The pairs are split by prompt: the validation prompts decide when to stop, on the test prompts
    the agreement to the teacher is measured. `sha256` is that of the pairs' file.

    Raises:
        DataError: there are no scored pairs, or too few prompts to hold some out.
        OutputError: there is something else at the destination.
        TrainingError: the loss is no longer a number.
    """
    with new_detector_folder(out.folder, overwrite=out.overwrite) as folder:
        taught = taught_texts(table, sha256)
        split = split_by_group(taught, settings.holdout_share, settings.seed)
        check_split(split, taught)
        epochs = _learn(split, student, settings, progress)
        scores = expit(student.logits(student.encode(split.test.texts)))
        record = _record(split, student, settings, agreement(scores, split.test.labels))
        record = write_detector(folder, student.model, student.encoder.tokenizer, record)
        write_seen(folder, split)
    return Trained(record, epochs, split)


def taught_texts(table: PairTable, sha256: str) -> LabelledTexts:
    """Both responses of every scored pair with the teacher's scores, each distinct text once.

    Raises:
        DataError: no pair is scored.
    """
    pairs = table.take(table.scored)
    if not len(pairs):
        raise DataError("no pair has scores to learn from; score them first: grice score --help")
    scores = np.concatenate([pairs.chosen_scores, pairs.rejected_scores])
    prompts = pairs.prompts * 2
    responses = [*pairs.chosen, *pairs.rejected]
    texts = [JudgedText.from_pair(*pair) for pair in zip(prompts, responses, strict=True)]
    first = list({text: i for i, text in reversed(list(enumerate(texts)))}.values())[::-1]
    return LabelledTexts(
        texts=[texts[i] for i in first],
        labels=scores[first],
        groups=[normalise_prompt(prompts[i]) for i in first],
        rows=[int(np.tile(pairs.rows, 2)[i]) for i in first],
        sha256=sha256,
    )


def agreement(student: FloatArray, teacher: FloatArray) -> dict[Maxim, Agreement]:
    """How near (N, 4) probabilities are to the teacher's."""
    return {
        maxim: _agreement(student[:, maxim.column], teacher[:, maxim.column]) for maxim in MAXIMS
    }


def _agreement(student: FloatArray, teacher: FloatArray) -> Agreement:
    from scipy.stats import spearmanr  # half a second to load, which most processes never need

    varied = len(np.unique(student)) > 1 and len(np.unique(teacher)) > 1
    return Agreement(
        spearman=float(spearmanr(student, teacher).statistic) if varied else 0.0,
        same_verdict=float(((student > 0.5) == (teacher > 0.5)).mean()),
        mean_abs_difference=float(np.abs(student - teacher).mean()),
    )


def _learn(
    split: Split, student: Student, settings: FitSettings, progress: Progress
) -> list[Epoch]:
    validation = student.encode(split.validation.texts)

    def figure() -> float:
        return -cross_entropy(student.logits(validation), split.validation.labels)

    task = Task(
        encoded=student.encode(split.train.texts),
        targets=split.train.labels,
        loss=soft_target_loss,
        figure=figure,
        pad_token_id=student.pad_token_id,
    )
    return student.learn(task, settings, progress)


def cross_entropy(logits: FloatArray, targets: FloatArray) -> float:
    """Mean cross-entropy in nats of (N, 4) logits to (N, 4) probabilities."""
    return float((np.logaddexp(0, logits) - targets * logits).mean())


def _record(
    split: Split, student: Student, settings: FitSettings, agreed: dict[Maxim, Agreement]
) -> DetectorRecord:
    return DetectorRecord(
        architecture=student.architecture,
        max_length=student.encoder.max_length,
        origin=f"distilled from the scores of {len(split.train):,} texts, {student.start}",
        weights_sha256="",
        training=TrainingData(
            sha256=split.test.sha256, seed=settings.seed, holdout_share=settings.holdout_share
        ),
        agreement=agreed,
        remarks=disagreement_remarks(agreed),
    )


def disagreement_remarks(agreed: dict[Maxim, Agreement]) -> tuple[str, ...]:
    """What to say of maxims on which teacher and student agree for want of violations only."""
    return tuple(
        f"The student hardly ranks responses by {maxim} as its teacher does (rank correlation "
        f"{signed(one.spearman)}): where violations are rare, the same verdict says little."
        for maxim, one in agreed.items()
        if one.spearman < _WEAK_CORRELATION
    )
