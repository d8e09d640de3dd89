"""Sweeps through the queue: pipelines end at once here, and nothing is trained."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grice_core.errors import InputError, NotAllowedError, RecipeError, TransitionError
from grice_core.evaluation.violations import COOPERATIVE
from grice_core.recipes.load import load_recipe, read_stored
from grice_core.store import audit, data_sets, notices, pipelines, recipes, sweeps
from grice_core.store.actors import Actor, Role
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.states import Device, SweepState
from grice_core.sweep.search import AS_IT_IS, Search
from grice_core.sweep.space import parse_varied
from tests.sweep.ended import EndingWorkers, states_of
from worker import sweep_queue
from worker.client import PipelineRequest
from worker.notifications import message_of
from worker.spec import parse_pipeline
from worker.sweep_queue import SweepQueue
from worker.sweeps import SweepAdvancer

ADA = Actor("ada", Role.MEMBER, "test")
RECIPE = load_recipe("content-then-manner", ["evaluation.num_prompts=6"])
SEARCH = Search(
    RECIPE,
    (parse_varied("stage2.beta=0.05..0.5"), parse_varied("stage2.loss_type=dpo,ipo")),
    num_trials=2,
    num_seeds=1,
)


class Studio:
    """A studio with one sweep in it."""

    def __init__(self, template: Path, world: Path, home: Path) -> None:
        (home / "grice.db").write_bytes(template.read_bytes())
        self.root = Database.at(f"sqlite:///{home / 'grice.db'}")
        database = self.database = self.root.acting_as(ADA)
        self.artifacts = ArtifactStore((home / "artifacts").as_uri())
        self.queue = SweepQueue(database, self.artifacts, lambda: True, lambda _: Device.CPU)
        self.workers = EndingWorkers(database, self.artifacts)
        self.request = PipelineRequest(
            data=world / "pairs.json",
            eval=world / "eval.json",
            base=str(world / "base"),
            detector=str(world / "detector"),
            recipe=RECIPE,
        )

    def submit(self, **changes: Any) -> int:
        return self.queue.submit(self.request, replace(SEARCH, **changes))

    def advance(self) -> None:
        """As a worker does it when a run has ended."""
        SweepAdvancer(self.database, self.artifacts, lambda *_, **__: None).run_once()

    def run(self, sweep_id: int) -> None:
        """Until nothing is left to do."""
        while self.workers.end(sweep_id):
            self.advance()

    def members(self, sweep_id: int) -> list[str]:
        found = [each.member for each in sweeps.members(self.database, sweep_id)]
        return [f"{each.name}-{each.seed}-{each.half}" for each in found]


@pytest.fixture
def studio(template: Path, world: Path, tmp_path: Path) -> Iterator[Studio]:
    found = Studio(template, world, tmp_path)
    yield found
    found.root.engine.dispose()


@pytest.fixture(scope="module")
def finished(
    template: Path, world: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Studio, int]]:
    """A studio, and a sweep that is done."""
    studio = Studio(template, world, tmp_path_factory.mktemp("finished"))
    sweep_id = studio.submit(num_trials=3, num_seeds=2)
    assert studio.members(sweep_id) == ["as-it-is-0-search"], "it begins at once, without a worker"
    studio.run(sweep_id)
    yield studio, sweep_id
    studio.root.engine.dispose()


def test_a_sweep_comes_to_its_winner_pipeline_by_pipeline(finished: tuple[Studio, int]) -> None:
    studio, sweep_id = finished
    sweep = sweeps.get(studio.database, sweep_id)
    assert (sweep.state, sweep.error) == (SweepState.SUCCEEDED, None)
    assert sweep.result is not None
    winner = sweep.result["winner"]
    assert winner["confirmed"][COOPERATIVE]["rate"] == 1.0
    assert studio.members(sweep_id)[:4] == [
        f"{name}-0-search" for name in (AS_IT_IS, "000", "001", "002")
    ]
    confirmed = [each for each in studio.members(sweep_id) if each.endswith("confirmation")]
    assert set(confirmed) == {
        f"{name}-{seed}-confirmation" for name in (AS_IT_IS, winner["name"]) for seed in (0, 1)
    }


def test_one_notice_tells_of_its_end_and_none_of_its_pipelines(
    finished: tuple[Studio, int],
) -> None:
    studio, sweep_id = finished
    notice = notices.take(studio.database, for_s=60)
    assert notice is not None
    assert message_of(notice, "http://here").title == f"Sweep {sweep_id} is done"
    assert f"http://here/sweep?sweep={sweep_id}" in message_of(notice, "http://here").body
    assert notices.take(studio.database, for_s=60) is None


def test_its_pipelines_are_ordinary_ones_that_differ_in_seed_half_and_what_is_varied(
    finished: tuple[Studio, int],
) -> None:
    studio, sweep_id = finished
    for standing in sweeps.members(studio.database, sweep_id):
        member = standing.member
        assert member.pipeline_id is not None
        pipeline = pipelines.get(studio.database, member.pipeline_id)
        spec = parse_pipeline(pipeline.spec)
        assert spec.asked is not None
        assert (spec.seed, spec.asked.half, spec.asked.seed) == (member.seed, member.half, 0)
        assert spec.recipe == SEARCH.recipe_of(member.params)
        assert pipeline.started_by == "ada"
        assert pipeline.name.startswith(f"sweep {sweep_id}: ")
        assert all(run.started_by == "ada" for run in standing.runs)


def test_the_winner_is_a_recipe_to_choose_and_those_of_trials_are_not(
    finished: tuple[Studio, int],
) -> None:
    studio, sweep_id = finished
    result = sweeps.get(studio.database, sweep_id).result
    assert result is not None
    names = {each.name for each in recipes.newest(studio.database)}
    assert names == {"content-then-manner", f"content-then-manner-sweep-{sweep_id}"}
    stored = recipes.get(studio.database, result["recipe_id"])
    winner = read_stored(stored.body, "the winner")
    changed = SEARCH.changed(result["winner"]["overrides"])
    assert winner.stages == changed.stages


def test_asked_for_twice_it_is_one_sweep_whose_pipelines_are_asked_for_once(studio: Studio) -> None:
    sweep_id = studio.submit()
    assert studio.submit(at_once=2) == sweep_id
    assert studio.submit(num_trials=3) != sweep_id
    assert len(pipelines.page(studio.database)) == 1, "the recipe as it is, for both sweeps"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every transaction of a step kills its process: the first time before it, the second time right after."""
    for name in ("add_members", "launch_member", "note_outcome", "finish"):
        monkeypatch.setattr(sweeps, name, _deadly(getattr(sweeps, name)))


def _deadly(work: Callable[..., Any]) -> Callable[..., Any]:
    calls = itertools.count()

    def kill(*args: Any, **kwargs: Any) -> None:
        if next(calls) % 2:
            work(*args, **kwargs)
        raise Killed

    return kill


def asked_for(studio: Studio, sweep_id: int) -> list[tuple[object, ...]]:
    """What each member was to do, without the order in which they were asked for."""
    found = [each.member for each in sweeps.members(studio.database, sweep_id)]
    return sorted((each.name, each.seed, each.half, str(each.params)) for each in found)


def test_killed_anywhere_it_continues_and_asks_for_nothing_twice(
    studio: Studio, request: pytest.FixtureRequest
) -> None:
    undisturbed = studio.submit(minutes=1000.0)
    studio.run(undisturbed)
    sweep_id = studio.submit()
    num_before = len(pipelines.page(studio.database))
    request.getfixturevalue("dying")

    def until_it_lives() -> None:
        while True:
            with suppress(Killed):
                studio.advance()
                return

    until_it_lives()
    while studio.workers.end(sweep_id):
        until_it_lives()
    assert sweeps.get(studio.database, sweep_id).state is SweepState.SUCCEEDED
    assert asked_for(studio, sweep_id) == asked_for(studio, undisturbed)
    assert len(pipelines.page(studio.database)) == num_before, "the same ones, shared by both"


@pytest.mark.stack
def test_several_workers_that_look_at_once_do_it_once(studio: Studio) -> None:
    alone = studio.submit(at_once=2, minutes=1000.0)
    studio.run(alone)
    sweep_id = studio.submit(at_once=2)
    with ThreadPoolExecutor(4) as pool:
        while studio.workers.end(sweep_id):
            for done in [pool.submit(studio.advance) for _ in range(4)]:
                done.result()
    assert sweeps.get(studio.database, sweep_id).state is SweepState.SUCCEEDED
    assert asked_for(studio, sweep_id) == asked_for(studio, alone)


@pytest.mark.stack
def test_no_more_pipelines_are_under_way_than_asked_for(studio: Studio) -> None:
    sweep_id = studio.submit(at_once=2)
    most = 0
    while num := studio.workers.end(sweep_id):
        most = max(most, num)
        studio.advance()
    assert most == 2


@pytest.mark.stack
def test_a_trial_that_fails_is_noted_with_its_reason(studio: Studio) -> None:
    studio.workers = replace(
        studio.workers, fails=lambda member: "no pair is left" if member.name == "001" else ""
    )
    sweep_id = studio.submit()
    studio.run(sweep_id)
    sweep = sweeps.get(studio.database, sweep_id)
    assert sweep.state is SweepState.SUCCEEDED
    assert sweep.result is not None
    failed = [each for each in sweep.result["candidates"] if "failure" in each]
    assert [(each["name"], each["failure"]) for each in failed] == [("001", "no pair is left")]


@pytest.mark.stack
def test_without_the_recipe_as_it_is_it_fails_and_resumed_it_continues(studio: Studio) -> None:
    healthy = studio.workers
    studio.workers = replace(healthy, fails=lambda _: "the disk is full")
    sweep_id = studio.submit()
    studio.run(sweep_id)
    sweep = sweeps.get(studio.database, sweep_id)
    assert sweep.state is SweepState.FAILED
    assert sweep.error == "as it is with seed 0 failed: the disk is full"
    studio.queue.resume(sweep_id)
    studio.workers = healthy
    studio.run(sweep_id)
    assert sweeps.get(studio.database, sweep_id).state is SweepState.SUCCEEDED


def test_cancelled_it_stops_its_runs_and_resumed_it_continues_with_the_same_trial(
    studio: Studio,
) -> None:
    sweep_id = studio.submit()
    studio.workers.end(sweep_id)
    studio.advance()
    before = asked_for(studio, sweep_id)
    studio.queue.cancel(sweep_id)
    assert sweeps.get(studio.database, sweep_id).state is SweepState.CANCELLED
    assert states_of(studio.database, sweep_id) == {"succeeded", "cancelled"}
    studio.advance()
    assert asked_for(studio, sweep_id) == before
    studio.queue.resume(sweep_id)
    assert asked_for(studio, sweep_id) == before
    assert states_of(studio.database, sweep_id) == {"succeeded", "queued"}
    studio.run(sweep_id)
    assert sweeps.get(studio.database, sweep_id).state is SweepState.SUCCEEDED
    with pytest.raises(TransitionError, match="only a failed or cancelled sweep"):
        studio.queue.resume(sweep_id)


@pytest.mark.stack
def test_figures_stay_when_a_pipeline_is_removed_and_answers_that_are_needed_are_missed(
    studio: Studio,
) -> None:
    sweep_id = studio.submit()
    studio.workers.end(sweep_id)
    (first,) = sweeps.members(studio.database, sweep_id)
    studio.advance()
    pipelines.remove(studio.database, first.member.pipeline_id or 0)
    studio.run(sweep_id)
    sweep = sweeps.get(studio.database, sweep_id)
    assert sweep.error == "the pipeline of the recipe as it is was removed"
    studio.queue.resume(sweep_id)
    studio.run(sweep_id)
    assert sweeps.get(studio.database, sweep_id).state is SweepState.SUCCEEDED


def test_a_removed_sweep_leaves_its_pipelines_and_frees_its_data(studio: Studio) -> None:
    sweep_id = studio.submit()
    with pytest.raises(TransitionError, match="under way"):
        studio.queue.remove(sweep_id)
    studio.queue.cancel(sweep_id)
    data_set_id = sweeps.get(studio.database, sweep_id).data_set_id
    (pipeline,) = pipelines.page(studio.database)
    pipelines.remove(studio.database, pipeline.pipeline.id)
    with pytest.raises(InputError, match="used by the sweep"):
        data_sets.remove(studio.database, data_set_id)
    studio.queue.remove(sweep_id)
    data_sets.remove(studio.database, data_set_id)


def test_what_people_do_to_sweeps_is_checked_and_logged(studio: Studio) -> None:
    sweep_id = studio.submit()
    logged = [(each.action, each.actor) for each in audit.page(studio.root)]
    assert ("launch sweep", "ada") in logged
    assert "launch pipeline" not in {what for what, _ in logged}, "that is the workers' own work"
    for actor in (Actor("eve", Role.VIEWER, "test"), Actor("bob", Role.MEMBER, "test")):
        theirs = replace(studio.queue, database=studio.database.acting_as(actor))
        for change in (theirs.cancel, theirs.resume, theirs.remove):
            with pytest.raises(NotAllowedError):
                change(sweep_id)
    eve = studio.database.acting_as(Actor("eve", Role.VIEWER, "test"))
    with pytest.raises(NotAllowedError):
        replace(studio.queue, database=eve).submit(studio.request, SEARCH)


def test_what_can_not_be_searched_is_refused_before_anything_is_kept(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RecipeError, match=r"stage2\.bet"):
        studio.submit(varied=(parse_varied("stage2.bet=0.1..0.2"),))
    with pytest.raises(InputError, match="nothing is varied"):
        studio.submit(varied=())
    monkeypatch.setattr(sweep_queue, "is_optuna_installed", lambda: False)
    with pytest.raises(InputError, match=r"pip install 'grice-studio\[sweep\]'"):
        studio.submit()
    assert not sweeps.page(studio.database)
    assert not pipelines.page(studio.database)
