"""What a search does next: no model is needed to tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from grice_core.evaluation.violations import COOPERATIVE, MEASURES
from grice_core.recipes.load import load_recipe
from grice_core.sweep.plan import Models, Step, next_step, trials_among
from grice_core.sweep.result import sweep_document
from grice_core.sweep.search import AS_IT_IS, Entry, Member, Search, rates_of
from grice_core.sweep.space import parse_varied
from grice_core.sweep.study import importances
from tests.sweep.ended import better_with_beta, models_of

VARIED = (parse_varied("stage2.beta=0.05..0.5"), parse_varied("stage2.loss_type=dpo,ipo"))
SEARCH = Search(load_recipe("content-then-manner"), VARIED, num_trials=4, num_seeds=2)


@dataclass
class World:
    """Pipelines that end at once; how well a member does is a function."""

    search: Search = SEARCH
    num_good: Callable[[Member], int] = better_with_beta
    fails: Callable[[Member], str] = lambda _: ""

    def answers(self, member: Member) -> Models:
        return models_of(member, self.num_good(member))

    def end(self, entry: Entry) -> Entry:
        if reason := self.fails(entry.member):
            return replace(entry, failure=reason, seconds=60.0)
        return replace(entry, rates=rates_of(self.answers(entry.member)[-1]), seconds=60.0)

    def step(self, entries: list[Entry]) -> Step:
        return next_step(self.search, entries, self.answers)

    def run(self, entries: list[Entry] | None = None) -> tuple[list[Entry], Step]:
        """Until nothing is left to begin."""
        entries = [self.end(each) for each in entries or []]
        while (step := self.step(entries)).members:
            assert len(step.members) <= self.search.at_once
            entries += [self.end(Entry(member)) for member in step.members]
        return entries, step


def keys(entries: list[Entry]) -> list[str]:
    return [f"{each.member.name}-{each.member.seed}-{each.member.half}" for each in entries]


def test_trials_then_repeats_then_the_winner_and_the_recipe_as_it_is_on_other_prompts() -> None:
    entries, step = World().run()
    assert step.result is not None
    winner = step.result.winner.name
    assert keys(entries)[:5] == [
        f"{name}-0-search" for name in (AS_IT_IS, "000", "001", "002", "003")
    ]
    repeated = [each for each in entries[5:] if each.member.half == "search"]
    assert keys(repeated)[0] == f"{AS_IT_IS}-1-search"
    assert f"{winner}-1-search" in keys(repeated)
    confirmed = keys([each for each in entries if each.member.half == "confirmation"])
    assert confirmed == [f"{name}-{n}-confirmation" for name in (AS_IT_IS, winner) for n in (0, 1)]
    assert winner in step.result.front
    document = sweep_document(step.result)
    assert document["winner"]["confirmed"][COOPERATIVE]["rate"] == 1.0
    assert document["winner"]["confirmed_as_it_is"][COOPERATIVE]["rate"] == pytest.approx(4 / 12)
    assert document["winner"]["changes"][COOPERATIVE]["change"] == pytest.approx(8 / 12)


def test_asked_again_after_a_kill_anywhere_it_says_the_same() -> None:
    """A search continues from any prefix of what it did, whether or not its last member had ended."""
    whole, end = World().run()
    assert end.result is not None
    for length in range(len(whole)):
        entries, again = World().run([Entry(each.member) for each in whole[:length]])
        assert [each.member for each in entries] == [each.member for each in whole]
        assert again.result is not None
        assert again.result.winner.name == end.result.winner.name


def test_while_members_are_under_way_only_as_many_others_begin_as_there_is_room_for() -> None:
    world = World(replace(SEARCH, at_once=3))
    as_it_is = world.end(Entry(Member(AS_IT_IS, 0, "search")))
    assert world.step([Entry(as_it_is.member)]) == Step()
    first = world.step([as_it_is])
    assert [each.name for each in first.members] == ["000", "001", "002"]
    begun = [Entry(each) for each in first.members]
    assert world.step([as_it_is, *begun]) == Step()
    begun[1] = world.end(begun[1])
    following = world.step([as_it_is, *begun])
    assert [each.name for each in following.members] == ["003"]
    last = [as_it_is, *begun, Entry(following.members[0])]
    assert world.step(last) == Step(), "repeats begin once all trials have ended"


def test_a_trial_that_fails_is_left_out_and_anything_else_that_fails_ends_the_search() -> None:
    world = World(fails=lambda member: "no pair is left" if member.name == "001" else "")
    entries, step = world.run()
    assert step.result is not None
    failed = [each for each in step.result.candidates if each.failure]
    assert [each.name for each in failed] == ["001"]
    assert "001" not in step.result.front
    assert len(trials_among(SEARCH, entries)) == 4
    for name, seed in ((AS_IT_IS, 0), (AS_IT_IS, 1)):
        stopped = World(
            fails=lambda member, at=(name, seed): "full" * ((member.name, member.seed) == at)
        )
        _, step = stopped.run()
        assert step.failure == f"as it is with seed {seed} failed: full"


def test_minutes_are_those_of_the_trials_and_end_with_the_one_under_way() -> None:
    entries, step = World(replace(SEARCH, minutes=2)).run()
    assert [each.member.name for each in trials_among(SEARCH, entries)] == ["000", "001"]
    assert step.result is not None


def test_nothing_is_tried_twice_and_a_space_may_be_exhausted() -> None:
    varied = (parse_varied("stage2.loss_type=ipo,sigmoid_norm"),)
    entries, step = World(replace(SEARCH, varied=varied)).run()
    tried = [each.member.params for each in trials_among(SEARCH, entries)]
    assert sorted(each["stage2.loss_type"] for each in tried) == ["ipo", "sigmoid_norm"]
    assert step.result is not None


def test_the_recipe_as_it_is_may_win() -> None:
    _, step = World(num_good=lambda member: 9 - 5 * bool(member.params)).run()
    assert step.result is not None
    assert step.result.winner.name == AS_IT_IS
    assert len(step.result.confirmed) == 1


def test_what_matters_most_is_said_where_there_are_trials_enough() -> None:
    def trial(number: int, beta: float, loss: str) -> Entry:
        rates = {measure: {"rate": beta if measure == COOPERATIVE else 0.1} for measure in MEASURES}
        params: Mapping[str, object] = {"stage2.beta": beta, "stage2.loss_type": loss}
        return Entry(Member(f"{number:03}", 0, "search", params), rates)

    trials = [trial(n, 0.05 + 0.03 * n, ("dpo", "ipo")[n % 2]) for n in range(12)]
    found = importances(SEARCH, trials)
    assert sum(found.values()) == pytest.approx(1)
    assert found["stage2.beta"] > found["stage2.loss_type"]
    assert importances(SEARCH, trials[:9]) == {}
