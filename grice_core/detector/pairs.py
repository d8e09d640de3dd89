"""Unscored pairs turned into scored ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from grice_core.data.near_duplicates import NEAR
from grice_core.data.pairs import PairTable
from grice_core.detector.journal import PairScores, ScoreJournal, entries_of
from grice_core.detector.judge import Detector
from grice_core.detector.seen import which_are_seen
from grice_core.detector.seen_nearly import nearest_seen
from grice_core.detector.template import JudgedText
from grice_core.kept import Kept, NothingKept, key_of
from grice_core.progress import PartOf, Progress, silent


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """All pairs, now with scores, and how that went."""

    table: PairTable
    num_scored: int
    """Pairs that got their scores from the detector."""
    num_taken_over: int
    """Of these, pairs that an earlier run had scored: one that was killed, or of the same pairs."""
    num_cut: int
    """Of these, pairs with a response longer than the detector can read."""
    note: str | None = None
    """What to say of responses that the detector was trained on."""


def score_pairs(
    detector: Detector,
    table: PairTable,
    journal_path: Path,
    *,
    rescore: bool = False,
    progress: Progress = silent,
    kept: Kept | None = None,
) -> ScoredPairs:
    """Score the pairs that have no scores, or with `rescore` all of them.

    The journal keeps what is done, so that the same call continues after a crash; anyone who has stored
    the result deletes it. The scores of the same pairs by the same detector are taken from what is kept.

    Raises:
        OutputError: the journal can't be written.
    """
    wanted = np.arange(len(table)) if rescore else np.flatnonzero(~table.scored)
    taken_over = 0
    kept = kept or NothingKept()
    key = _work_key(detector, table, rescore=rescore)
    with ScoreJournal(journal_path, key) as journal:
        if not journal.done and (entries := kept.find(key)):
            journal.take_all(entries)
        is_new = len(journal.done) < len(wanted)
        size = detector.window_pairs
        for start in range(0, len(wanted), size):
            window = wanted[start : start + size].tolist()
            if journal.done.keys() >= set(window):
                taken_over += len(window)
                continue
            # Whole windows, so that in bf16 too the scores are those of an undisturbed run.
            part = PartOf(progress, start, len(window), len(wanted))
            journal.append(_score_window(detector, table, window, part))
        scores = journal.done
    if is_new:
        kept.keep(key, entries_of(scores))
    return ScoredPairs(
        table=_with_scores(table, scores),
        num_scored=len(scores),
        num_taken_over=taken_over,
        num_cut=sum(one.cut for one in scores.values()),
        note=seen_responses(detector, table.take(wanted)),
    )


def seen_responses(detector: Detector, table: PairTable) -> str | None:
    """How many of the pairs' responses the detector was trained on, as they are or nearly."""
    if detector.seen is None or detector.seen_shingles is None:
        return None
    texts = _judged(table)
    same = which_are_seen(texts, detector.seen)
    near = nearest_seen(texts, detector.seen_shingles).reaches(NEAR) & ~same
    if not (same | near).any():
        return None
    return (
        f"{same.sum():,} of the {len(texts):,} responses are texts that the detector was trained on, and "
        f"{near.sum():,} are near-duplicates of some: it knows their labels"
    )


def _work_key(detector: Detector, table: PairTable, *, rescore: bool) -> str:
    """What the scores and their order depend on."""
    parts = (detector.record.fingerprint, detector.numerics, table.fingerprint, str(rescore))
    return key_of("scores-of-pairs", parts)


def _score_window(
    detector: Detector, table: PairTable, window: Sequence[int], progress: Progress
) -> dict[int, PairScores]:
    """Judge both responses of each pair in one go, so that batches are of like length."""
    pairs = table.take(window)
    judgement = detector.judge(_judged(pairs), progress=progress)
    chosen, rejected = np.split(detector.probabilities(judgement), 2)
    cut = np.logical_or(*np.split(judgement.response_cut, 2))
    return {
        index: PairScores(tuple(chosen[i].tolist()), tuple(rejected[i].tolist()), bool(cut[i]))
        for i, index in enumerate(window)
    }


def _judged(pairs: PairTable) -> list[JudgedText]:
    """All chosen responses, then all rejected ones."""
    return [
        JudgedText.from_pair(prompt, response)
        for responses in (pairs.chosen, pairs.rejected)
        for prompt, response in zip(pairs.prompts, responses, strict=True)
    ]


def _with_scores(table: PairTable, scores: dict[int, PairScores]) -> PairTable:
    chosen, rejected = table.chosen_scores.copy(), table.rejected_scores.copy()
    for index, one in scores.items():
        chosen[index], rejected[index] = one.chosen, one.rejected
    return replace(table, chosen_scores=chosen, rejected_scores=rejected)
