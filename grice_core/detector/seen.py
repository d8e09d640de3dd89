"""Which texts a detector was made with, known again however their file is called or laid out."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from grice_core.data.pairs import BoolArray
from grice_core.data.prompts import normalise_prompt
from grice_core.detector.labels import LabelledTexts, Split
from grice_core.detector.seen_nearly import SeenShingles
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError

SEEN_NAME = "seen_texts.json"
"""In a detector's folder."""
_DIGITS = 16
"""Of a text's hash: two of a million texts are alike by chance once in 37 million detectors."""


def write_seen(folder: Path, split: Split) -> None:
    """Keep the hashes of the texts that a detector was fitted to or chosen by; not of the test texts.

    Those of their shingles, too, by which near-duplicates are known.
    """
    texts = [*split.train.texts, *split.validation.texts]
    SeenShingles.of(texts).write(folder)
    hashes = sorted(set(map(text_hash, texts)))
    (folder / SEEN_NAME).write_text(json.dumps(hashes), encoding="utf-8")


def read_seen(folder: Path) -> frozenset[str] | None:
    """The hashes in a detector's folder; None: it was not made here, or before they were kept.

    Raises:
        DetectorError: the file is damaged.
    """
    path = folder / SEEN_NAME
    if not path.is_file():
        return None
    try:
        return frozenset(map(str, json.loads(path.read_text(encoding="utf-8"))))
    except (ValueError, TypeError) as error:
        raise DetectorError(f"{path} is damaged: {error}; train the detector again") from None


def which_are_seen(texts: Sequence[JudgedText], seen: Iterable[str]) -> BoolArray:
    """(N,) which texts are among those with these hashes."""
    known = frozenset(seen)
    return np.array([text_hash(text) in known for text in texts], dtype=np.bool_)


def without_seen(labelled: LabelledTexts, seen: frozenset[str] | None) -> LabelledTexts:
    """The texts that the detector has not seen, as far as that is known."""
    if seen is None:
        return labelled
    return labelled.take(~which_are_seen(labelled.texts, seen))


def shared_training(seen: frozenset[str] | None, other: frozenset[str] | None) -> str | None:
    """What to say of a judge that was trained on texts that the training judge was trained on, too.

    Returns: None where they share none, or it isn't known.
    """
    shared = len(seen & other) if seen and other else 0
    if not shared:
        return None
    return (
        f"{shared:,} of the {len(seen or ()):,} texts that the second judge was trained on are also the "
        "training judge's, so it may err where that errs: train both with --disjoint 2."
    )


def text_hash(text: JudgedText) -> str:
    """The same for the same context and response, whatever their case and white space.

    The evidence does not count: a file that leaves it out holds the same texts.
    """
    said = "\0".join(normalise_prompt(part).casefold() for part in (text.context, text.response))
    return hashlib.sha256(said.encode()).hexdigest()[:_DIGITS]
