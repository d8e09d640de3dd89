"""Labelled texts: what a detector learns from and is judged by."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.data.readers import read_batches
from grice_core.data.sniff import inspect
from grice_core.data.split import holdout_mask
from grice_core.detector.template import JudgedText
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS, Maxim
from grice_core.progress import Progress, silent

_MARKED = re.compile(
    r"\s*\[CONTEXT\]\s*(?P<context>.*?)\s*(?:\[EVIDENCE\]\s*(?P<evidence>.*?)\s*)?"
    r"\[RESPONSE\]\s*(?P<response>.*?)\s*",
    re.DOTALL,
)
_GROUP_FIELDS = ("original_id", "dialogue_id", "conversation_id", "group")


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """N responses with the verdict on each maxim."""

    texts: Sequence[JudgedText]
    labels: FloatArray
    """(N, 4) 1 = violated, 0 = not, in the order of `MAXIMS`; in between for a teacher's scores."""
    groups: Sequence[str]
    """(N,) the dialogue of each text; near-duplicates have the same one."""
    rows: Sequence[int]
    """(N,) 1-based row in the file."""
    sha256: str
    """Of the file's bytes."""

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, mask: BoolArray) -> "LabelledTexts":
        """The texts where this (N,) mask is true."""
        indices = [int(index) for index in np.flatnonzero(mask)]
        return LabelledTexts(
            texts=[self.texts[i] for i in indices],
            labels=self.labels[indices],
            groups=[self.groups[i] for i in indices],
            rows=[self.rows[i] for i in indices],
            sha256=self.sha256,
        )


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled texts in three parts that share no dialogue."""

    train: LabelledTexts
    validation: LabelledTexts
    """Decides when to stop, and calibrates."""
    test: LabelledTexts
    """Decides nothing; it tells how good the detector is."""


def split_by_group(labelled: LabelledTexts, share: float, seed: int) -> Split:
    """Take this share of the dialogues out for validation, and again for the test."""
    test = holdout_mask(labelled.groups, share, 2 * seed)
    validation = ~test & holdout_mask(labelled.groups, share / (1 - share), 2 * seed + 1)
    return Split(
        train=labelled.take(~test & ~validation),
        validation=labelled.take(validation),
        test=labelled.take(test),
    )


def load_labels(path: Path, progress: Progress = silent) -> LabelledTexts:
    """Read labelled texts: JSON, JSON Lines, CSV or Parquet.

    The text is `input_text` ("[CONTEXT] … [EVIDENCE] … [RESPONSE] …"), or `context` (or `prompt`),
    `response` and maybe `evidence`. The labels are 0 or 1: an object `labels`, or the columns
    `quantity` (or `quantity_violation`) and so on. Texts with the same `original_id` (or
    `dialogue_id`, `conversation_id`, `group`), otherwise with the same context, form a dialogue; a text
    without any of them is one of its own.

    Raises:
        DataError: the file can't be read; a row lacks its text or a label, or has another label.
    """
    source = inspect(path)
    rows: list[dict[str, Any]] = []
    for batch in read_batches(source, progress):
        rows += [batch.row(index) for index in range(batch.num_rows)]
    if not rows:
        raise DataError(f"{path} holds no rows")
    texts = [_text(row, f"{path}: row {number:,}") for number, row in enumerate(rows, 1)]
    labels = [_labels(row, f"{path}: row {number:,}") for number, row in enumerate(rows, 1)]
    return LabelledTexts(
        texts=texts,
        labels=np.array(labels, dtype=np.float64),
        groups=[_group(row, text) for row, text in zip(rows, texts, strict=True)],
        rows=range(1, len(rows) + 1),
        sha256=source.sha256(),
    )


def _text(row: Mapping[str, Any], where: str) -> JudgedText:
    whole = row.get("input_text")
    if whole is not None:
        match = _MARKED.fullmatch(str(whole))
        if match is None:
            raise DataError(f"{where}: input_text must read [CONTEXT] … [EVIDENCE] … [RESPONSE] …")
        return JudgedText(match["context"], match["response"], match["evidence"] or None)
    response = row.get("response")
    if not isinstance(response, str):
        raise DataError(f"{where} has neither an input_text nor a response")
    if isinstance(row.get("prompt"), str):
        return JudgedText.from_pair(row["prompt"], response)
    return JudgedText(str(row.get("context", "")), response, row.get("evidence") or None)


def _labels(row: Mapping[str, Any], where: str) -> list[float]:
    nested = row.get("labels")
    found = nested if isinstance(nested, Mapping) else row
    return [_label(found, maxim, where) for maxim in MAXIMS]


def _label(found: Mapping[str, Any], maxim: Maxim, where: str) -> float:
    value = found.get(maxim, found.get(f"{maxim}_violation"))
    if value is None:
        raise DataError(f"{where} has no label for {maxim}; give 1 (violated) or 0")
    if str(value).strip().lower() not in {"0", "1", "0.0", "1.0", "true", "false"}:
        raise DataError(f"{where}: the label of {maxim} is {value!r}; give 1 (violated) or 0")
    return float(str(value).strip().lower() in {"1", "1.0", "true"})


def _group(row: Mapping[str, Any], text: JudgedText) -> str:
    for field in _GROUP_FIELDS:
        if row.get(field) is not None:
            return str(row[field])
    return text.context or text.response
