"""Did it work? Met, not met, or too few prompts to tell.

A criterion is a claim about the models, not about these prompts. It is *met* if the whole 95 % interval
lies on the good side of its bound, *not met* if the whole interval lies on the bad side, and *undecided*
otherwise. All criteria must be met, so each is tested at its own level without correction
(intersection-union test: the chance to call the whole met by mistake is below that of its weakest
part). The other way round one criterion that is not met is enough.

A maxim that the baseline hardly violates leaves no room to improve: its interval can't leave 0, and
"improves" stays undecided whatever is trained. That is meant; the sentence says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from grice_core.evaluation.endings import ending_warnings
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.paired import PairedChange, paired_changes
from grice_core.evaluation.power import prompts_to_tell
from grice_core.evaluation.rates import Rate, model_rates
from grice_core.evaluation.violations import COOPERATIVE, EvaluatedModel
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.config import EvaluationConfig


class State(StrEnum):
    """What the responses say about a claim."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Criterion:
    """One claim and what became of it."""

    name: str
    """`improves`, `cooperative` or `no_regression`."""
    state: State
    sentence: str
    maxims: Mapping[str, State]
    """The state of each maxim, where the claim is about maxims."""
    prompts_to_tell: int | None = None
    """About how many prompts would decide it, if it is undecided and there is such a number."""


@dataclass(frozen=True)
class Verdict:
    """The whole: met if all criteria are, not met if one is not, else undecided."""

    state: State
    sentence: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class _Claim:
    """How a claim about all maxims reads in each state."""

    met: str
    not_met: str
    undecided: str

    def reads(self, state: State) -> str:
        return {
            State.MET: self.met,
            State.NOT_MET: self.not_met,
            State.UNDECIDED: self.undecided,
        }[state]


def judge(models: Sequence[EvaluatedModel], config: EvaluationConfig) -> Verdict:
    """The verdict on the last model, against the first one (the baseline)."""
    baseline, final = models[0], models[-1]
    changes = paired_changes(baseline, final)
    before, after = model_rates(baseline), model_rates(final)
    criteria = (
        _improves(changes, before),
        _reaches(after[COOPERATIVE], final.num_prompts, config),
        _no_regression(changes, config.max_regression),
    )
    state = all_of([criterion.state for criterion in criteria])
    headline = f"Verdict: {_answer(state)}. Cooperative {_cooperative(models)}."
    return Verdict(state, " ".join([headline, *ending_warnings(final)]), criteria)


def judge_by_both(
    models: Sequence[EvaluatedModel], by_second: Sequence[EvaluatedModel], config: EvaluationConfig
) -> Verdict:
    """The verdict that two judges give together: met if both find it met, not met if one finds so.

    Args:
        models: The baseline, then each stage, by the training judge.
        by_second: The same answers in the same order, by the second judge.
    """
    first, second = judge(models, config), judge(by_second, config)
    sentences = [
        f"Verdict: {_answer(first.state)} by the training judge, {_answer(second.state)} by the second "
        f"judge. Cooperative {_cooperative(models)}; by the second judge {_cooperative(by_second)}.",
        *ending_warnings(models[-1]),
    ]
    others = [
        replace(
            criterion,
            name=f"second_judge_{criterion.name}",
            sentence=f"By the second judge: {criterion.sentence}",
        )
        for criterion in second.criteria
    ]
    state = all_of([first.state, second.state])
    return Verdict(state, " ".join(sentences), (*first.criteria, *others))


def decide(
    changes: Mapping[Maxim, Interval], cooperative: Interval, config: EvaluationConfig
) -> State:
    """All criteria at once, from the intervals of the last model's changes and of its cooperative rate."""
    return all_of(list(decisions(changes, cooperative, config).values()))


def decisions(
    changes: Mapping[Maxim, Interval], cooperative: Interval | None, config: EvaluationConfig
) -> dict[str, State]:
    """What each measure's interval, as far as given, says about the criteria that it has to meet."""
    found = {
        str(maxim): all_of([_below(interval, bound) for bound in (0.0, config.max_regression)])
        for maxim, interval in changes.items()
    }
    if cooperative is not None:
        found[COOPERATIVE] = _at_least(cooperative, config.min_cooperative)
    return found


def _improves(changes: Mapping[str, PairedChange], before: Mapping[str, Rate]) -> Criterion:
    claim = _Claim(
        met="All four maxims are violated less often than by the baseline",
        not_met="Not every maxim is violated less often than by the baseline",
        undecided="Too few prompts to tell whether every maxim is violated less often than by the baseline",
    )
    sentences = {
        maxim: _told(changes[maxim])
        + (
            ", never violated by the baseline: no room to improve"
            if not before[maxim].count
            else ""
        )
        for maxim in MAXIMS
    }
    return _about_maxims("improves", claim, sentences, changes, bound=0.0)


def _no_regression(changes: Mapping[str, PairedChange], bound: float) -> Criterion:
    much = f"more than {100 * bound:g} points more often than by the baseline"
    claim = _Claim(
        met=f"No maxim is violated {much}",
        not_met=f"Some maxim is violated {much}",
        undecided=f"Too few prompts to tell whether some maxim is violated {much}",
    )
    sentences = {maxim: _told(changes[maxim]) for maxim in MAXIMS}
    criterion = _about_maxims("no_regression", claim, sentences, changes, bound)
    if criterion.state != State.MET:
        return criterion
    closest = max(MAXIMS, key=lambda maxim: changes[maxim].interval.high)
    return replace(criterion, sentence=f"{claim.met}; closest is {sentences[closest]}.")


def _reaches(cooperative: Rate, num_prompts: int, config: EvaluationConfig) -> Criterion:
    """The cooperative rate against the minimum, with a remark on the target."""
    minimum, target = config.min_cooperative, config.target_cooperative
    interval = cooperative.interval
    state = _at_least(interval, minimum)
    bound = f"at least {100 * minimum:g} %"
    claim = {
        State.MET: f"The cooperative rate is {bound}",
        State.NOT_MET: f"The cooperative rate is below {100 * minimum:g} %",
        State.UNDECIDED: f"Too few prompts to tell whether the cooperative rate is {bound}",
    }[state]
    reached = "reached" if cooperative.rate >= target else "not reached"
    sentence = (
        f"{claim}: {percent(cooperative.rate)} {percent_interval(interval)}; "
        f"the target of {100 * target:g} % is {reached}."
    )
    needed = prompts_to_tell(num_prompts, interval, minimum) if state == State.UNDECIDED else None
    return Criterion("cooperative", state, sentence + _would_tell(needed), {}, needed)


def _about_maxims(
    name: str,
    claim: _Claim,
    sentences: Mapping[Maxim, str],
    changes: Mapping[str, PairedChange],
    bound: float,
) -> Criterion:
    """A claim that each maxim's change is below the bound; names the maxims that decide it."""
    states = {str(maxim): _below(changes[maxim].interval, bound) for maxim in MAXIMS}
    state = all_of(list(states.values()))
    deciding = [maxim for maxim in MAXIMS if states[maxim] == state]
    needed = _prompts_to_tell([changes[maxim] for maxim in deciding], bound, state)
    sentence = f"{claim.reads(state)}: {'; '.join(sentences[maxim] for maxim in deciding)}."
    return Criterion(name, state, sentence + _would_tell(needed), states, needed)


def _prompts_to_tell(changes: Sequence[PairedChange], bound: float, state: State) -> int | None:
    """What the least clear of these changes needs."""
    if state != State.UNDECIDED:
        return None
    needed = [prompts_to_tell(change.num_prompts, change.interval, bound) for change in changes]
    return None if None in needed else max(number for number in needed if number is not None)


def _would_tell(num_prompts: int | None) -> str:
    return f" About {num_prompts:,} prompts would tell." if num_prompts else ""


def _at_least(interval: Interval, bound: float) -> State:
    if interval.low >= bound:
        return State.MET
    return State.NOT_MET if interval.high < bound else State.UNDECIDED


def _below(interval: Interval, bound: float) -> State:
    if interval.high < bound:
        return State.MET
    return State.NOT_MET if interval.low >= bound else State.UNDECIDED


def all_of(states: Sequence[State]) -> State:
    """Met if all are, not met if one is not."""
    if State.NOT_MET in states:
        return State.NOT_MET
    return State.UNDECIDED if State.UNDECIDED in states else State.MET


def _told(change: PairedChange) -> str:
    return f"{change.measure} {points(change.change)} points {points_interval(change.interval)}"


def _answer(state: State) -> str:
    return "too few prompts to tell" if state == State.UNDECIDED else str(state)


def _cooperative(models: Sequence[EvaluatedModel]) -> str:
    """How the cooperative rate changed from the first model to the last."""
    change = paired_changes(models[0], models[-1])[COOPERATIVE]
    before, after = models[0].rates[COOPERATIVE], models[-1].rates[COOPERATIVE]
    low, high = points(change.interval.low), points(change.interval.high)
    return (
        f"{percent(before)} → {percent(after)} ({points(change.change)} points, "
        f"95 % interval {low} … {high}, {change.num_prompts} prompts)"
    )
