"""Sweeps, taken a step further whenever one of their pipelines has ended.

What comes next is computed from the rows alone (`grice_core.sweep.plan`), and noted only if no other
worker has noted something meanwhile. Pipelines are noted first and submitted then, by keys that stand for
what they are asked to do; so after a kill at any point the next look continues, and none is asked for twice.
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from grice_core.account import account_name
from grice_core.errors import ArtifactError, GriceError, NotFoundError, StoreError
from grice_core.pipeline.config import AskedHalf
from grice_core.pipeline.stored_evaluation import open_evaluation
from grice_core.recipes.config import Recipe
from grice_core.store import references, sweeps
from grice_core.store.actors import Actor, Role
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.recipes import RecipeDraft
from grice_core.store.states import RunKind, RunState
from grice_core.store.submission import PipelineDraft
from grice_core.store.sweeps import MemberDraft, MemberKey, MemberStanding
from grice_core.store.tables import Run, Sweep, SweepMember
from grice_core.structured_log import Say
from grice_core.sweep.plan import Models, next_step
from grice_core.sweep.result import SweepResult, sweep_document
from grice_core.sweep.search import AS_IT_IS, Member, half_named, rates_of
from grice_core.sweep.stored import entries_of, search_of
from worker.drafts import chain_of, key_of
from worker.roles import OUTPUT
from worker.spec import PipelineSpec, parse_pipeline

_Key = tuple[str, int, str]


@dataclass(frozen=True)
class SweepAdvancer:
    """Takes sweeps further; any number of them may be at work."""

    database: Database
    artifacts: ArtifactStore
    say: Say

    def run_once(self) -> None:
        """Take every sweep as far as it can go by now."""
        try:
            for sweep in sweeps.under_way(self.database):
                self.advance(sweep)
        except GriceError as error:
            self.say(f"sweeps: {error}; they are looked at again later", "sweeps wait")

    def advance(self, sweep: Sweep) -> None:
        """Take one sweep as far as it can go by now; what keeps it from continuing is noted on it.

        Raises:
            StoreError: the database can't be used.
        """
        # Its pipelines belong to the person who asked for it, and was allowed to.
        owner = Actor(sweep.started_by or account_name(), Role.ADMIN, f"sweep {sweep.id}")
        database = self.database.acting_as(owner)
        try:
            _OneSweep(database, self.artifacts, sweep).advance()
        except ArtifactError as error:
            sweeps.fail(database, sweep.id, str(error))
        except StoreError:
            raise
        except Exception as error:  # whatever it is, the user sees it, and the worker lives on
            if not isinstance(error, GriceError):
                traceback.print_exc()
            sweeps.fail(database, sweep.id, str(error) or type(error).__name__)
            self.say(f"sweep {sweep.id}: {error}", "sweep failed", sweep=sweep.id)


@dataclass(frozen=True)
class _OneSweep:
    database: Database
    artifacts: ArtifactStore
    sweep: Sweep
    opened: dict[_Key, Models] = field(default_factory=dict)

    def advance(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """Do what is next; returns whether there may be something after it."""
        standings = sweeps.members(self.database, self.sweep.id)
        if left := [each.member for each in standings if not each.member.submitted]:
            return all(self._launch(each) for each in left)
        if any(self._note(each) for each in standings):
            return True
        search = search_of(self.sweep)
        step = next_step(search, entries_of(standings), _Answers(self, standings))
        if step.members:
            drafts = [
                MemberDraft(each.name, each.seed, each.half, dict(each.params))
                for each in step.members
            ]
            return sweeps.add_members(self.database, self.sweep.id, len(standings), drafts)
        if step.result is not None:
            self._finish(step.result)
        elif step.failure:
            sweeps.fail(self.database, self.sweep.id, step.failure)
        return False

    def _launch(self, member: SweepMember) -> bool:
        key = MemberKey.of(member)
        spec = self._spec(key, search_of(self.sweep).recipe_of(member.params))
        draft = PipelineDraft(
            key=key_of(spec),
            name=spec.run_name or "",
            recipe_id=self.sweep.recipe_id,
            data_set_id=self.sweep.data_set_id,
            eval_data_set_id=self.sweep.eval_data_set_id,
            detector_id=self.sweep.detector_id,
            base=spec.base,
            spec=spec.document(),
            runs=chain_of(spec, self.sweep.device),
        )
        own = None
        if key.name != AS_IT_IS:
            name = f"{spec.recipe.name}-sweep-{self.sweep.id}-trials"
            own = RecipeDraft(name, spec.recipe.model_dump(mode="json"), self.sweep.recipe_id)
        return sweeps.launch_member(self.database, key, draft, own)

    def _spec(self, key: MemberKey, recipe: Recipe) -> PipelineSpec:
        as_it_is = parse_pipeline(self.sweep.pipeline)
        what = "recipe as it is" if key.name == AS_IT_IS else f"trial {key.name}"
        confirms = ", confirmation" if key.half == "confirmation" else ""
        return replace(
            as_it_is,
            recipe=recipe,
            seed=key.seed,
            asked=AskedHalf(half_named(key.half), as_it_is.seed),
            run_name=f"sweep {self.sweep.id}: {what}, seed {key.seed}{confirms}",
        )

    def _note(self, standing: MemberStanding) -> bool:
        """Note what became of a member, if it has ended; returns whether something was noted."""
        member = standing.member
        if member.rates is not None or member.failure:
            return False
        failure = _failure(standing.runs)
        if failure is None and not _has_succeeded(standing.runs):
            return False
        rates = None
        if failure is None:
            try:
                rates = rates_of(self.models(standing)[-1])
            except (ArtifactError, NotFoundError) as error:
                failure = str(error)
        key = MemberKey.of(member)
        sweeps.note_outcome(self.database, key, self._seconds(standing.runs), rates, failure)
        return True

    def _seconds(self, runs: Sequence[Run]) -> float:
        """That the runs took since the sweep began; a pipeline may have been there before."""
        began = self.sweep.created_at
        spans = [(run.started_at or 0.0, run.finished_at or 0.0) for run in runs]
        return round(sum(max(0.0, end - start) for start, end in spans if start >= began), 1)

    def models(self, standing: MemberStanding) -> Models:
        """The baseline and the stages, as a member's pipeline evaluated them.

        Raises:
            ArtifactError, NotFoundError: they are gone.
        """
        member = standing.member
        key = member.name, member.seed, member.half
        if key not in self.opened:
            evaluations = [run for run in standing.runs if run.kind is RunKind.EVALUATE]
            if not evaluations:
                raise NotFoundError(f"the pipeline of {_called(member.name)} was removed")
            made = references.of_run(self.database, evaluations[0].id)
            if OUTPUT not in made:
                raise ArtifactError(f"run {evaluations[0].id} left no output folder: run it again")
            self.opened[key] = open_evaluation(self.artifacts, made[OUTPUT].sha256).models
        return self.opened[key]

    def _finish(self, result: SweepResult) -> None:
        winner = None
        if result.winner.name != AS_IT_IS:
            name = f"{result.winner.recipe.name}-sweep-{self.sweep.id}"
            recipe = result.winner.recipe.model_copy(update={"name": name})
            winner = RecipeDraft(name, recipe.model_dump(mode="json"), self.sweep.recipe_id)
        sweeps.finish(self.database, self.sweep.id, sweep_document(result), winner)


@dataclass(frozen=True)
class _Answers:
    sweep: _OneSweep
    standings: Sequence[MemberStanding]

    def __call__(self, member: Member) -> Models:
        by_key = {
            (each.member.name, each.member.seed, each.member.half): each for each in self.standings
        }
        return self.sweep.models(by_key[member.key])


def _called(name: str) -> str:
    return "the recipe as it is" if name == AS_IT_IS else f"trial {name}"


def _failure(runs: Sequence[Run]) -> str | None:
    """Why a pipeline comes to nothing; None: it has not failed."""
    if not runs:
        return "its pipeline was removed"
    if any(run.state is RunState.RUNNING for run in runs):
        return None
    for run in runs:
        if run.state is RunState.FAILED:
            return run.error or "it failed"
        if run.state is RunState.CANCELLED:
            return "it was stopped"
    return None


def _has_succeeded(runs: Sequence[Run]) -> bool:
    return all(run.state is RunState.SUCCEEDED for run in runs)
