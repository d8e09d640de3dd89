"""The ceiling: how many cooperative texts a judge calls cooperative, so what a faultless model would get."""

from dataclasses import dataclass

import numpy as np

from benchmarks.real.steps import RealData
from grice_core.data.load import load_pairs
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.detector.figures import Verdicts, interval
from grice_core.detector.judge import Detector
from grice_core.detector.labels import LabelledTexts, load_labels
from grice_core.detector.parts import split_again
from grice_core.detector.unseen import unseen_texts
from grice_core.evaluation.intervals import NORMAL, Interval, wilson
from grice_core.evaluation.rogan_gladen import CorrectedRate, HeldOutErrors, rogan_gladen
from grice_core.evaluation.selection import PromptSelection


@dataclass(frozen=True)
class Share:
    """So many of so many, with Wilson's interval."""

    count: int
    of: int
    interval: Interval

    @classmethod
    def among(cls, hits: BoolArray) -> "Share":
        """Of (N,) independent texts or prompts."""
        rate = float(hits.mean()) if hits.size else 0.0
        ends = wilson(rate, hits.size, NORMAL) if hits.size else Interval(0.0, 1.0)
        return cls(int(hits.sum()), hits.size, ends)

    @property
    def rate(self) -> float:
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True)
class OneThreshold:
    """A judge read otherwise: cooperative where no score is above one threshold, the one that tells the held-out
    texts apart best (Youden 1950), which flatters it there."""

    value: float
    cooperative: Share
    """Of the texts that their labels call cooperative, those called so."""
    violating: Share
    auroc: float
    """Of the highest score, whatever the threshold."""
    auroc_interval: Interval

    @classmethod
    def of(cls, scores: FloatArray, labelled: LabelledTexts) -> "OneThreshold":
        """The best one for (N, 4) scores of these texts."""
        violates, highest = np.asarray(labelled.labels.any(axis=1)), scores.max(axis=1)
        told = [
            (highest[~violates] <= value).mean() - (highest[violates] <= value).mean()
            for value in highest
        ]
        value = float(highest[int(np.argmax(told))])
        called = highest <= value
        auroc = Verdicts(violates, highest, ~called).auroc
        return cls(
            value,
            Share.among(called[~violates]),
            Share.among(called[violates]),
            float(auroc(np.ones((1, len(called))))[0]),
            Interval(*interval(auroc, labelled.groups, seed=0)),
        )


@dataclass(frozen=True)
class Ceiling:
    """What one judge calls cooperative."""

    cooperative: Share
    """Of the held-out texts that their labels call cooperative."""
    trained_on: Share | None
    """Of such texts that it was trained on; None where it isn't known which those are."""
    violating: Share
    """Of the held-out texts whose labels name a violation."""
    one_threshold: OneThreshold
    chosen: Share
    """Of the data's own chosen responses to the evaluated prompts."""
    rejected: Share

    def corrected(self, rate: float, num_answers: int) -> CorrectedRate | None:
        """The true cooperative rate behind a measured one; None where the judge says too little of it.

        Source: `evaluation/rogan_gladen.py`, with "not cooperative" as what is found.
        """
        errors = HeldOutErrors(
            found=self.violating.of - self.violating.count,
            support=self.violating.of,
            false=self.cooperative.of - self.cooperative.count,
            sound=self.cooperative.of,
        )
        found = rogan_gladen(1 - rate, num_answers, errors)
        if found is None:
            return None
        return CorrectedRate(
            1 - found.value, Interval(1 - found.interval.high, 1 - found.interval.low)
        )


def find_ceiling(judge: Detector, data: RealData, selection: PromptSelection) -> Ceiling:
    """What a judge calls cooperative, from labelled texts and the data's responses to these prompts.

    Raises: DataError.
    """
    labelled = load_labels(data.labels)
    held_out, split = (
        unseen_texts(judge, labelled).test,
        split_again(labelled, judge.record.training),
    )
    scores = judge.probabilities(judge.judge(held_out.texts))
    called, is_cooperative = _cooperative(scores, judge), ~held_out.labels.any(axis=1)
    answered = load_pairs(data.prompts).table
    first = {prompt: row for row, prompt in reversed(list(enumerate(answered.prompts)))}
    rows = [first[prompt] for prompt in selection.prompts]
    chosen, rejected = (
        _cooperative(judge.score(selection.prompts, [texts[row] for row in rows]), judge)
        for texts in (answered.chosen, answered.rejected)
    )
    return Ceiling(
        cooperative=Share.among(called[is_cooperative]),
        trained_on=None if split is None else _known_cooperative(judge, split.train),
        violating=Share.among(called[~is_cooperative]),
        one_threshold=OneThreshold.of(scores, held_out),
        chosen=Share.among(chosen),
        rejected=Share.among(rejected),
    )


def _known_cooperative(judge: Detector, trained_on: LabelledTexts) -> Share:
    texts = trained_on.take(np.asarray(~trained_on.labels.any(axis=1))).texts
    return Share.among(_cooperative(judge.probabilities(judge.judge(texts)), judge))


def _cooperative(scores: FloatArray, judge: Detector) -> BoolArray:
    """(N,)"""
    return np.asarray(~(scores > judge.thresholds).any(axis=1))
