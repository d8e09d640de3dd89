"""Was the training judge fooled? Two judges' agreement on the baseline against that on each stage.

A model that is trained on a judge's scores can get better in two ways: by violating a maxim less often, or by
violating it where that judge does not see it. Then a second judge faults more of what the training
judge passes. So this is compared, baseline against stage: *of the answers that the training judge
passes, the share that the second judge faults* (1 − the negative predictive value of the first judge, with the second as
its reference).

Neither plain agreement nor the difference of the two judges' changes would do: both move when a
model really improves. If one judge finds 90 % of the violations and the other 60 %, the first sees a larger
improvement although no judge was fooled. The share above can then only fall: fewer violations are left
to be overlooked, as long as the second judge faults an overlooked violation more often than a good
answer. Hence an alarm takes both: the training judge sees an improvement, and this share rises.

The test: the score statistic for two negative predictive values of one sample, its variance summed by prompt, so that
answers to one prompt may resemble each other, between models too; Student's distribution with M − 1
degrees of freedom; one-sided; Holm's correction over all measures and stages.

Source: Leisenring, Alonzo, Pepe 2000 (doi 10.1111/j.0006-341X.2000.00345.x); Kosinski 2013 (doi 10.1002/sim.5587).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.special import stdtr

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.evaluation.agreement import Agreement, agreement
from grice_core.evaluation.comparison import CorrectedChange, compared, corrected, holm
from grice_core.evaluation.numbers import percent, points, points_interval
from grice_core.evaluation.power import ALPHA
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel


class Fooled(StrEnum):
    """What the two judges say together of a stage's improvement on a measure."""

    NO = "no"
    PARTLY = "partly"
    """Both see an improvement, but the second faults more of what the training judge passes."""
    ONLY = "only"
    """The training judge alone sees one."""


@dataclass(frozen=True)
class PassedAnswers:
    """One model's answers on one measure."""

    num_passed: int
    """Answers that the training judge finds no violation in."""
    num_faulted: int
    """Those among them that the second judge finds one in."""

    @property
    def share(self) -> float | None:
        """None where the training judge passes nothing."""
        return self.num_faulted / self.num_passed if self.num_passed else None


@dataclass(frozen=True)
class JudgesCompared:
    """Two judges on one measure, for the baseline and one stage."""

    measure: str
    before: str
    after: str
    agreement_before: Agreement
    agreement_after: Agreement
    passed_before: PassedAnswers
    passed_after: PassedAnswers
    p_value: float
    """One-sided, that the second judge faults a larger share of what the training judge passes."""
    p_holm: float
    """Corrected over all measures and stages."""
    by_training_judge: CorrectedChange
    by_second_judge: CorrectedChange

    @property
    def fooled(self) -> Fooled:
        """Whether the improvement is one by the training judge's words only."""
        if not _improves(self.by_training_judge) or self.p_holm >= ALPHA:
            return Fooled.NO
        return Fooled.PARTLY if _improves(self.by_second_judge) else Fooled.ONLY

    def sentence(self, title_of: Callable[[str], str] = str) -> str:
        """What the alarm says, and what it rests on.

        Args:
            title_of: What a model of this name is called.
        """
        return f"{self.claim(title_of)}: {self.evidence(title_of)}"

    def claim(self, title_of: Callable[[str], str] = str) -> str:
        """`stage2 improved manner by the training judge only`"""
        how = (
            "by the training judge only"
            if self.fooled is Fooled.ONLY
            else "more by the training judge than by the second judge"
        )
        what = "the cooperative rate" if self.measure == COOPERATIVE else self.measure
        return f"{title_of(self.after)} improved {what} {how}"

    def evidence(self, title_of: Callable[[str], str] = str) -> str:
        """Both judges' changes, and what the second faults of what the first passes."""
        p_value = "p < 0.001" if self.p_holm < 0.001 else f"p = {self.p_holm:.3f}"
        return (
            f"{_change(self.by_training_judge)} by it, {_change(self.by_second_judge)} by the second "
            "judge. Of the answers that the training judge passes, the second faults "
            f"{share_words(self.passed_after)}, and {share_words(self.passed_before)} of "
            f"{title_of(self.before)}'s ({p_value})."
        )

    def document(self) -> dict[str, Any]:
        """As plain data."""
        alone = {
            name: value
            for name, value in asdict(self).items()
            if name not in ("by_training_judge", "by_second_judge")
        }
        return {**alone, "fooled": str(self.fooled)}


def compare_judges(
    first: Sequence[EvaluatedModel], second: Sequence[EvaluatedModel]
) -> list[JudgesCompared]:
    """Per stage and measure, all tests corrected together.

    Args:
        first: The baseline, then each stage, by the training judge.
        second: The same answers in the same order, by the second judge.
    """
    baseline = first[0].name
    prompts = list(first[0].rows_of_prompt)
    words = [_good(model, prompts) for model in first], [_good(model, prompts) for model in second]
    changes = [_from(baseline, models) for models in (first, second)]
    tests = [(stage, place) for stage in range(1, len(first)) for place in range(len(MEASURES))]
    p_values = [
        faulted_more_often(
            (words[0][0][..., place], words[1][0][..., place]),
            (words[0][stage][..., place], words[1][stage][..., place]),
        )
        for stage, place in tests
    ]
    return [
        JudgesCompared(
            measure=MEASURES[place],
            before=baseline,
            after=first[stage].name,
            agreement_before=_agreement(words, 0, place),
            agreement_after=_agreement(words, stage, place),
            passed_before=_passed(words, 0, place),
            passed_after=_passed(words, stage, place),
            p_value=p_value,
            p_holm=p_holm,
            by_training_judge=changes[0][first[stage].name, MEASURES[place]],
            by_second_judge=changes[1][first[stage].name, MEASURES[place]],
        )
        for (stage, place), p_value, p_holm in zip(tests, p_values, holm(p_values), strict=True)
    ]


def faulted_more_often(
    before: tuple[BoolArray, BoolArray], after: tuple[BoolArray, BoolArray]
) -> float:
    """One-sided p-value: the second judge faults a larger share of what the first one passes.

    Args:
        before: (M, k) whether the first judge passes an answer, and whether the second does.
        after: The same of another model's answers to the same prompts.
    """
    passed = [of[0].astype(np.float64) for of in (before, after)]
    faulted = [(of[0] & ~of[1]).astype(np.float64) for of in (before, after)]
    num_passed = [float(each.sum()) for each in passed]
    num_faulted = [float(each.sum()) for each in faulted]
    if not all(num_passed) or not sum(num_faulted):
        return 1.0
    pooled = sum(num_faulted) / sum(num_passed)
    # How far each prompt moves the difference, if both shares were the pooled one.
    influence: FloatArray = (faulted[1] - pooled * passed[1]).sum(axis=1) / num_passed[1]
    influence = influence - (faulted[0] - pooled * passed[0]).sum(axis=1) / num_passed[0]
    num_prompts = len(influence)
    variance = float((influence**2).sum()) * num_prompts / max(num_prompts - 1, 1)
    difference = num_faulted[1] / num_passed[1] - num_faulted[0] / num_passed[0]
    if variance == 0 or num_prompts < 2:
        return 1.0
    return float(stdtr(num_prompts - 1, -difference / np.sqrt(variance)))


def faulted_words(passed: PassedAnswers) -> str:
    """`26 of 297`"""
    return f"{passed.num_faulted:,} of {passed.num_passed:,}"


def share_words(passed: PassedAnswers) -> str:
    """`8.8 % (26 of 297)`"""
    share = "–" if passed.share is None else percent(passed.share)
    return f"{share} ({faulted_words(passed)})"


def p_words(p_value: float) -> str:
    """`0.004`, `<0.001`"""
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _good(model: EvaluatedModel, prompts: Sequence[str]) -> BoolArray:
    """(M, k, 5) which answers a judge finds no violation of each maxim in, and of none of them."""
    rows = np.array([model.rows_of_prompt[prompt] for prompt in prompts])
    good: BoolArray = ~model.bad[rows]
    return good


_Words = tuple[list[BoolArray], list[BoolArray]]
"""By judge, then by model: (M, k, 5)."""


def _agreement(words: _Words, model: int, place: int) -> Agreement:
    return agreement(MEASURES[place], words[0][model][..., place], words[1][model][..., place])


def _passed(words: _Words, model: int, place: int) -> PassedAnswers:
    first, second = words[0][model][..., place], words[1][model][..., place]
    return PassedAnswers(int(first.sum()), int((first & ~second).sum()))


def _from(
    baseline: str, models: Sequence[EvaluatedModel]
) -> dict[tuple[str, str], CorrectedChange]:
    """The changes from the baseline, by stage and measure."""
    return {
        (found.change.after, found.change.measure): found
        for found in corrected(compared(models))
        if found.change.before == baseline
    }


def _improves(found: CorrectedChange) -> bool:
    """Beyond chance, after correction."""
    better = (found.change.change > 0) == (found.change.measure == COOPERATIVE)
    return better and found.p_holm < ALPHA


def _change(found: CorrectedChange) -> str:
    return f"{points(found.change.change)} points {points_interval(found.change.interval)}"
