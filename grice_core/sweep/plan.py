"""What a search does next, as a function of what it has done so far.

The recipe as it is → trials → repeats of the best with other seeds → confirmation of the winner on the
prompts that the search did not see. Nothing is remembered between two questions, so a search that was
killed anywhere continues from what it has noted; the command and the studio's workers both ask here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.evaluation.selection import Half
from grice_core.evaluation.violations import COOPERATIVE, EvaluatedModel
from grice_core.sweep.result import (
    Candidate,
    Finalist,
    SweepResult,
    candidates_among,
    front_of,
)
from grice_core.sweep.search import AS_IT_IS, Entry, Member, Search
from grice_core.sweep.study import importances, propose

NUM_FINALISTS = 2
"""Trials that are repeated with other seeds, besides the recipe as it is."""

Models = tuple[EvaluatedModel, ...]
Answers = Callable[[Member], Models]
"""The baseline and the stages of a member that ended well."""


@dataclass(frozen=True)
class Step:
    """What is to be done next; with none of the three: wait for members to end."""

    members: tuple[Member, ...] = ()
    """Pipelines to begin."""
    result: SweepResult | None = None
    """The search is done."""
    failure: str = ""
    """Why it can't continue."""


def next_step(search: Search, entries: Sequence[Entry], answers: Answers) -> Step:
    """What comes next.

    Raises:
        InputError: Optuna is not installed.
        GriceError: of `answers`.
    """
    return _Plan(search, entries, answers).next()


def trials_among(search: Search, entries: Iterable[Entry]) -> list[Entry]:
    """The search's own trials in their order, without the recipe as it is, repeats and confirmation."""
    return sorted(
        (each for each in entries if _is_trial(search, each.member)), key=lambda e: e.member.name
    )


def is_out_of_time(search: Search, entries: Iterable[Entry]) -> bool:
    """Whether no further trial shall begin."""
    if search.minutes is None:
        return False
    spent_s = sum(each.seconds for each in trials_among(search, entries))
    return spent_s >= 60 * search.minutes


def _is_trial(search: Search, member: Member) -> bool:
    is_first = (member.seed, member.half) == (search.seed, "search")
    return is_first and member.name != AS_IT_IS


class _Plan:
    def __init__(self, search: Search, entries: Sequence[Entry], answers: Answers) -> None:
        self._search = search
        self._answers = answers
        self._entries = {each.member.key: each for each in entries}
        self._as_it_is = Member(AS_IT_IS, search.seed, "search")
        self._trials = trials_among(search, entries)

    def next(self) -> Step:
        return (
            self._phase([self._as_it_is])
            or self._propose()
            or self._phase(self._members(self._finalists(), "search"))
            or self._confirm()
        )

    def _phase(self, members: Sequence[Member]) -> Step | None:
        """Of members that all have to end well; None: they have."""
        found = [self._entries.get(each.key) for each in members]
        for entry in found:
            if entry is not None and entry.failure:
                name = entry.member.name.replace("-", " ")
                return Step(failure=f"{name} with seed {entry.member.seed} failed: {entry.failure}")
        missing = [member for member, entry in zip(members, found, strict=True) if entry is None]
        if missing:
            return Step(tuple(missing[: self._room]))
        if any(entry is not None and entry.is_under_way for entry in found):
            return Step()
        return None

    @property
    def _room(self) -> int:
        """How many further members may begin."""
        under_way = sum(each.is_under_way for each in self._entries.values())
        return max(0, self._search.at_once - under_way)

    def _propose(self) -> Step | None:
        """Further trials; None: all have ended, and there are to be no more."""
        trials = list(self._trials)
        num_left = self._search.num_trials - len(trials)
        if is_out_of_time(self._search, trials):
            num_left = 0
        for _ in range(min(num_left, self._room)):
            params = propose(self._search, trials)
            if params is None:
                num_left = 0
                break
            number = f"{len(trials):03}"
            trials.append(Entry(Member(number, self._search.seed, "search", params)))
        if proposed := trials[len(self._trials) :]:
            return Step(tuple(each.member for each in proposed))
        is_over = num_left <= 0 and not any(each.is_under_way for each in trials)
        return None if is_over else Step()

    def _finalists(self) -> list[Member]:
        """The recipe as it is, and the best that the search has found."""
        by_name = {each.member.name: each.member for each in self._trials}
        found = [name for name in front_of(self._candidates) if name != AS_IT_IS]
        return [self._as_it_is, *(by_name[name] for name in found[:NUM_FINALISTS])]

    @property
    def _candidates(self) -> list[Candidate]:
        return candidates_among(self._search, self._entries.values())

    def _members(self, of: Iterable[Member], half: Half) -> list[Member]:
        """With every seed."""
        return [
            Member(each.name, seed, half, each.params) for each in of for seed in self._search.seeds
        ]

    def _confirm(self) -> Step:
        answered = {each: self._pooled(each, "search") for each in self._finalists()}
        winner = max(answered, key=lambda each: answered[each][-1].rates[COOPERATIVE])
        contenders = dict.fromkeys([self._as_it_is, winner])
        waited = self._phase(self._members(contenders, "confirmation"))
        return waited or Step(result=self._result(winner, answered[winner], [*contenders]))

    def _pooled(self, member: Member, half: Half) -> Models:
        """Baseline and stages, answers of all seeds together."""
        of_seeds = [self._answers(each) for each in self._members([member], half)]
        return tuple(map(_together, zip(*of_seeds, strict=True)))

    def _result(self, winner: Member, models: Models, contenders: Sequence[Member]) -> SweepResult:
        return SweepResult(
            candidates=tuple(self._candidates),
            front=tuple(front_of(self._candidates)),
            winner=Finalist(
                name=winner.name,
                overrides=self._search.overrides(winner.params),
                recipe=self._search.recipe_of(winner.params),
                models=models,
                num_seeds=self._search.num_seeds,
            ),
            confirmed=tuple(self._pooled(each, "confirmation") for each in contenders),
            importances=importances(self._search, self._trials),
        )


def _together(models: Sequence[EvaluatedModel]) -> EvaluatedModel:
    """One model's answers with several seeds, as several answers to each prompt."""
    first = models[0]
    return EvaluatedModel(
        name=first.name,
        prompts=[prompt for model in models for prompt in model.prompts],
        responses=[response for model in models for response in model.responses],
        scores=np.concatenate([model.scores for model in models]),
        thresholds=first.thresholds,
    )
