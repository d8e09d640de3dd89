"""What a launch would do: the pairs and steps of each stage, the prompts, the answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grice_core.data.leakage import leaking
from grice_core.data.pairs import FloatArray, PairTable
from grice_core.detector.record import Thresholds
from grice_core.evaluation.reach import Reach, reach_of
from grice_core.evaluation.selection import AskedPrompts, PromptSelection
from grice_core.recipes.plan import PlannedStage, plan_stages
from grice_core.recipes.side_effects import StageEffects, effects_of
from grice_core.rounds.expected import ExpectedRound, expected_round
from grice_core.store.tables import Detector
from worker.client import PipelineRequest


@dataclass(frozen=True, eq=False)
class LaunchPlan:
    """What the runs of one pipeline would work on."""

    stages: tuple[PlannedStage, ...]
    """Those that would be trained."""
    selection: PromptSelection
    num_held_out: int
    """Pairs that training loses since their prompt is evaluated."""
    num_unscored: int
    num_models: int
    """Models that answer: the baseline, and one after every stage."""
    samples_per_prompt: int = 1
    effects: tuple[StageEffects, ...] = ()
    """What each stage's pairs teach besides."""
    reach: Reach | None = None
    """What the data's own responses score; None: no pair is scored, or nothing is trained."""
    rounds: tuple[ExpectedRound, ...] = ()
    """Of each stage that takes its pairs from the model: what it takes at most."""

    @property
    def num_steps(self) -> int:
        """Optimizer steps of all stages, of rounds at most."""
        return sum(stage.num_steps for stage in self._trained)

    @property
    def num_pairs(self) -> int:
        """Pairs of all optimizer steps; one counts as often as it is seen."""
        return sum(stage.num_steps * stage.config.pairs_per_step for stage in self._trained)

    @property
    def _trained(self) -> list[PlannedStage]:
        """All stages, rounds with as many pairs as there can be."""
        known = [stage for stage in self.stages if not stage.awaits_pairs]
        return [*known, *(each.planned for each in self.rounds)]

    @property
    def num_answers(self) -> int:
        """Answers to be written and judged, of rounds at most."""
        return self.num_evaluated + sum(each.num_answers for each in self.rounds)

    @property
    def num_evaluated(self) -> int:
        """Those of them that belong to the evaluation."""
        return self.num_models * len(self.selection.prompts) * self.samples_per_prompt

    @property
    def num_runs(self) -> int:
        """Runs that load models: scoring, each training, the evaluation."""
        return 2 + len(self.stages)


def plan(request: PipelineRequest, table: PairTable, asked: AskedPrompts) -> LaunchPlan:
    """Cut what the stages learn from."""
    leaks = asked.left_out
    trains = request.trained_by is None
    stages = plan_stages(request.recipe, table, request.seed, leaks) if trains else ()
    return LaunchPlan(
        stages=stages,
        selection=asked.selection,
        num_held_out=int(leaks.sum()),
        num_unscored=int((~table.scored).sum()),
        num_models=1 + len(request.recipe.stages),
        samples_per_prompt=request.samples_per_prompt,
        effects=effects_of(stages, table),
        reach=reach_of(table, _thresholds(request.detector)) if trains else None,
        rounds=tuple(_rounds(request, table, asked, stages)),
    )


def _rounds(
    request: PipelineRequest, table: PairTable, asked: AskedPrompts, stages: Sequence[PlannedStage]
) -> Iterator[ExpectedRound]:
    waiting = [number for number, stage in enumerate(stages) if stage.awaits_pairs]
    if not waiting:
        return
    evaluated = leaking(table.prompts, asked.selection.prompts)
    for number in waiting:
        yield expected_round(
            stages[number],
            number,
            request.recipe,
            table,
            request.seed,
            asked.left_out,
            evaluated,
        )


def _thresholds(detector: Detector | str) -> FloatArray:
    """(4,) of a detector of the store; the usual ones of any other."""
    card = {} if isinstance(detector, str) else detector.card
    return Thresholds.model_validate(card.get("thresholds") or {}).as_array()
