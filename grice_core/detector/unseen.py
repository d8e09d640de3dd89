"""Which labelled texts can say how good a detector is: those that it was not made with."""

from dataclasses import dataclass

from grice_core.detector.judge import Detector
from grice_core.detector.labels import LabelledTexts
from grice_core.detector.parts import split_again
from grice_core.detector.seen import without_seen
from grice_core.errors import DataError


@dataclass(frozen=True, eq=False)
class UnseenTexts:
    """What of some labelled texts can say how good a detector is."""

    test: LabelledTexts
    note: str | None
    """What was left out, and why; or that it can't be known."""


def unseen_texts(detector: Detector, labelled: LabelledTexts) -> UnseenTexts:
    """Of the detector's own training file the test part; of others the texts that it has not seen.

    Raises:
        DataError: it has seen them all.
    """
    split = split_again(labelled, detector.record.training)
    if split is not None:
        note = (
            f"The detector was trained on this file: only the {len(split.test):,} texts that were "
            "kept aside as a test count."
        )
        return UnseenTexts(split.test, note)
    if detector.seen is None:
        return UnseenTexts(labelled, detector.unknown_training)
    left = without_seen(labelled, detector.seen)
    num_seen = len(labelled) - len(left)
    if not len(left):
        raise DataError(
            f"the detector was trained on all {len(labelled):,} of these texts, so they can't say how "
            "good it is: give texts that it has not seen"
        )
    if not num_seen:
        return UnseenTexts(left, None)
    note = (
        f"The detector was trained on {num_seen:,} of these {len(labelled):,} texts: only the "
        f"other {len(left):,} count."
    )
    return UnseenTexts(left, note)
