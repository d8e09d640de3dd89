"""Which prompt's answers to judge next, and how many more judgements decide the verdict."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.evaluation.gold import GoldLabels
from grice_core.evaluation.picking import pick_chances
from grice_core.evaluation.prediction_powered import LEAST_GOLD, Estimate
from grice_core.evaluation.true_rates import estimated
from grice_core.evaluation.verdict import State, all_of, decisions
from grice_core.evaluation.violation_chances import violation_chances
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig

_USUAL_WEIGHT = 0.5
"""How far the detector is taken to be trusted before labels tell."""
_NEVER = 3.0
"""Measures that not even a label for every prompt decides count as needing so many times the prompts."""


@dataclass(frozen=True, eq=False)
class JudgingPlan:
    """What judgements say so far, and which to give next."""

    state: State | None
    """Of the verdict, valid at every look; None with too few judgements."""
    undecided: tuple[str, ...]
    """The measures that it hangs on."""
    num_judged: int
    """Prompts whose answers by both models have a label."""
    num_prompts: int
    more: int | None
    """About how many more prompts decide it; None where labels of all prompts would hardly."""
    chances: FloatArray
    """(M,) of being judged next; 0 where both answers have a label. All 0 when nothing is left."""

    @property
    def is_decided(self) -> bool:
        return self.state in (State.MET, State.NOT_MET)

    def sentence(self) -> str:
        """What to do next, in words."""
        if self.is_decided:
            return (
                f"Decided after {self.num_judged:,} prompts: {self.state}. You can stop here; that you "
                "looked after each judgement is accounted for."
            )
        if self.num_judged == self.num_prompts:
            return "Every prompt is judged and the verdict is still open: it takes more evaluation prompts."
        if self.state is None:
            return f"{LEAST_GOLD - self.num_judged:,} more prompts until there is a first estimate."
        on = f"It hangs on {_listed(self.undecided)}."
        if self.more is None:
            return (
                f"{on} If estimates stay as they are, not even all {self.num_prompts:,} prompts would "
                "decide it."
            )
        return f"{on} About {self.more:,} more {'prompt' if self.more == 1 else 'prompts'} would decide the verdict."


@dataclass(frozen=True, eq=False)
class JudgedPair:
    """The baseline and the last model, as far as they are judged."""

    scores: FloatArray
    """(2, M, 4) of the first answer to each prompt, which is the one that persons judge."""
    thresholds: FloatArray
    """(4,)"""
    judged: FloatArray
    """(2, M, k, 5) outcomes by the detector, in the order of `MEASURES`."""
    labels: FloatArray
    """(2, M, k, 5) gold outcomes, NaN without a label."""
    chances: FloatArray
    """(M, k) of being labelled; only ratios matter."""
    by_person: Sequence[FloatArray] = ()
    """Each person's labels, as `labels`."""

    @classmethod
    def of(cls, models: Sequence[EvaluatedModel], gold: GoldLabels) -> "JudgedPair":
        """From the baseline, the stages, and labels of their answers."""
        pair = models[0], models[-1]
        prompts = list(pair[0].rows_of_prompt)
        found = [gold.of(model, prompts) for model in pair]
        firsts = [[model.rows_of_prompt[prompt][0] for prompt in prompts] for model in pair]
        return cls(
            scores=np.stack([model.scores[rows] for model, rows in zip(pair, firsts, strict=True)]),
            thresholds=pair[0].thresholds,
            judged=np.stack([model.outcomes_of(prompts) for model in pair]),
            labels=np.stack([labels for labels, _ in found]),
            chances=found[0][1],
            by_person=[
                np.stack([gold.of_person(person, model, prompts) for model in pair])
                for person in gold.persons
            ],
        )

    @property
    def has_labels(self) -> BoolArray:
        """(M,) prompts to which both models' first answers have a label."""
        return np.asarray(np.isfinite(self.labels[:, :, 0]).all(axis=(0, 2)))

    def estimates(self) -> dict[str, Estimate]:
        """Those that decide: the maxims' changes, the last model's cooperative rate; empty with too few labels."""
        changes = estimated(
            self.judged[1] - self.judged[0],
            self.labels[1] - self.labels[0],
            self.chances,
            [labels[1] - labels[0] for labels in self.by_person],
        )
        if not changes:
            return {}
        last = [labels[1] for labels in self.by_person]
        rates = estimated(self.judged[1], self.labels[1], self.chances, last)
        found = {str(maxim): changes[maxim].estimate for maxim in MAXIMS}
        return {**found, COOPERATIVE: rates[COOPERATIVE].estimate}


def judging_plan(pair: JudgedPair, config: EvaluationConfig) -> JudgingPlan:
    """Plan the next judgement for the verdict on the last model against the baseline."""
    is_judged = pair.has_labels
    num_judged, num_prompts = int(is_judged.sum()), len(is_judged)
    estimates = pair.estimates()
    states = decided(estimates, config)
    needed = {
        measure: _prompts_needed({measure: estimates[measure]}, config)
        for measure, state in states.items()
        if state == State.UNDECIDED
    }
    at_once = _prompts_needed(estimates, config)
    spread = _spread(pair, estimates, _importance(needed, num_prompts))
    return JudgingPlan(
        state=all_of(list(states.values())) if states else None,
        undecided=tuple(needed),
        num_judged=num_judged,
        num_prompts=num_prompts,
        more=None if at_once is None else at_once[0] - num_judged,
        chances=pick_chances(spread, ~is_judged)
        if num_judged < num_prompts
        else np.zeros(num_prompts),
    )


def decided(estimates: Mapping[str, Estimate], config: EvaluationConfig) -> dict[str, State]:
    """What each measure's confidence sequence says about its criteria."""
    return decisions(
        {
            maxim: estimates[maxim].change_interval(at_every_look=True)
            for maxim in MAXIMS
            if maxim in estimates
        },
        estimates[COOPERATIVE].rate_interval(at_every_look=True)
        if COOPERATIVE in estimates
        else None,
        config,
    )


def _prompts_needed(
    estimates: Mapping[str, Estimate], config: EvaluationConfig
) -> tuple[int, State] | None:
    """After about how many prompts all of these are decided, if estimates stay, and how; None: never."""
    if not estimates:
        return None

    def state_after(num: int) -> State:
        later = {measure: one.with_prompts(num) for measure, one in estimates.items()}
        return all_of(list(decided(later, config).values()))

    now = min(one.num_prompts for one in estimates.values())
    most = max(one.num_answers // one.samples for one in estimates.values())
    if state_after(most) == State.UNDECIDED:
        return None
    enough = bisect_left(
        range(now, most), True, key=lambda num: state_after(num) != State.UNDECIDED
    )
    return now + enough, state_after(now + enough)


def _importance(
    needed: Mapping[str, tuple[int, State] | None], num_prompts: int
) -> dict[str, float]:
    """How much each undecided measure matters for what is judged next.

    All have to be met, so the one that takes longest matters most; but one that will not be met is enough.
    """
    contrary = {
        measure: found[0]
        for measure, found in needed.items()
        if found is not None and found[1] == State.NOT_MET
    }
    if contrary:
        return {min(contrary, key=lambda measure: contrary[measure]): 1.0}
    if not needed:
        return dict.fromkeys(MEASURES, 1.0)
    return {
        measure: float(found[0] if found else _NEVER * num_prompts) ** 2
        for measure, found in needed.items()
    }


def _spread(
    pair: JudgedPair, estimates: Mapping[str, Estimate], importance: Mapping[str, float]
) -> FloatArray:
    """(M,) about how far each prompt's label lies from what is expected of it, over the measures that matter."""
    labels, by_detector = pair.labels[:, :, 0], pair.judged[:, :, 0]
    before, after = (
        violation_chances(scores, pair.thresholds, own[:, : len(MAXIMS)])
        for scores, own in zip(pair.scores, labels, strict=True)
    )
    total = np.zeros(len(before))
    for measure, matters in importance.items():
        place = MEASURES.index(measure)
        if measure == COOPERATIVE:
            expected = (1 - after).prod(axis=1)
            noise, judged = expected * (1 - expected), by_detector[1, :, place]
        else:
            expected = after[:, place] - before[:, place]
            noise = (after * (1 - after) + before * (1 - before))[:, place]
            judged = by_detector[1, :, place] - by_detector[0, :, place]
        weight = estimates[measure].weight if measure in estimates else _USUAL_WEIGHT
        rest = expected - weight * judged
        squared = noise + (rest - rest.mean()) ** 2
        total += matters * squared / max(squared.mean(), 1e-12)
    spread: FloatArray = np.sqrt(total)
    return spread


def _listed(measures: Sequence[str]) -> str:
    return measures[0] if len(measures) == 1 else f"{', '.join(measures[:-1])} and {measures[-1]}"
