"""Rounds: pairs sampled from the model as it stands, trained on, and whether that helped.

A round is an ordinary stage whose pairs are written when it begins. The model is asked the held-out prompts before
and after it; a round that does harm there is left out again, and one that no longer helps is the last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grice_core.data.columnar import write_pairs
from grice_core.data.pairs import BoolArray
from grice_core.data.split import holdout_mask
from grice_core.dpo.reference import weights_hash
from grice_core.errors import DataError
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.inputs import PipelineInputs
from grice_core.pipeline.judging import BASELINE
from grice_core.pipeline.own_answers import AskedByBoth, Sampler, prompts_of, sampling_of
from grice_core.pipeline.record import RunRecord
from grice_core.pipeline.stage_job import StageJob
from grice_core.pipeline.training import train_stage
from grice_core.recipes.config import Recipe, StageConfig
from grice_core.recipes.plan import PlannedStage, capped
from grice_core.rounds.own_pairs import Sampled, own_pairs
from grice_core.rounds.phases import Phase, PhaseProgress
from grice_core.rounds.provenance import Origin, name_of_model
from grice_core.rounds.series import rounds_before
from grice_core.rounds.stopping import RoundCheck, RoundEnd


@dataclass(frozen=True, eq=False)
class RoundJob:
    """One round to train, and the pipeline that it is part of."""

    number: int
    """Of its stage, counted from 0."""
    config: PipelineConfig
    record: RunRecord
    sampler: Sampler
    inputs: Callable[[], PipelineInputs]
    """With the pairs that were sampled so far."""
    stage_job: Callable[[], StageJob]
    """The same, as a stage to train."""
    phases: PhaseProgress
    """To which the sampler's reporter tells its progress."""


def train_round(job: RoundJob) -> None:
    """Train a stage on pairs of the model before it, and see whether that helped.

    What an interrupted part has sampled, trained or asked is taken over.

    Raises: DataError, ModelError, PreflightError, TrainingError, InterruptedRunError.
    """
    _Round(job).run()


@dataclass(frozen=True, eq=False)
class RoundPrompts:
    """What a round asks of the model before it."""

    stage: str | None
    """After which the model is asked; None: the plain base."""
    selection: PromptSelection
    sampling: Sampling


def prompts_of_round(job: RoundJob) -> RoundPrompts:
    """What a round asks, with noise of its own.

    Raises: DataError, if no prompt is left.
    """
    return _Round(job).prompts()


def write_share_of_round(job: RoundJob, dealt: tuple[int, int], journal: Path) -> int:
    """Write one of so many shares of the answers that a round samples; returns how many it has.

    What an interrupted part has left in the journal is taken over.

    Raises: DataError, ModelError, OutputError, InterruptedRunError.
    """
    asked = prompts_of_round(job)
    return job.sampler.write_share(asked.stage, asked.selection, asked.sampling, dealt, journal)


@dataclass(frozen=True, eq=False)
class _Round:
    job: RoundJob

    @property
    def recipe(self) -> Recipe:
        return self.job.config.recipe

    @property
    def stage(self) -> StageConfig:
        return self.recipe.stages[self.job.number]

    @property
    def earlier(self) -> tuple[StageConfig, ...]:
        """The stages before it that count."""
        stages = self.recipe.stages[: self.job.number]
        return tuple(stage for stage in stages if self.job.record.counts(stage))

    @property
    def model(self) -> str | None:
        """The stage before it that counts; None: the plain base."""
        return self.earlier[-1].name if self.earlier else None

    def run(self) -> None:
        reason = self._ended_before()
        if reason is not None:
            self._finish(None, None, in_effect=False, said=[f"not begun, since {reason}"])
            return
        heldout, begin = self._heldout_prompts(), self.job.phases.begin
        begin(Phase.ASK)
        before = self._asked(self.model, heldout)
        self._sample_pairs(before)
        planned = self._planned()
        if not planned.fills_a_step:
            self._finish(None, RoundEnd("pairs", str(planned.caution)), in_effect=False)
            return
        begin(Phase.TRAIN)
        self._train(planned)
        begin(Phase.CHECK)
        check = _check(before, self._asked(self.stage.name, heldout))
        end = (check.end if check else None) or self._cap_reached()
        self._finish(check, end, in_effect=end is None or end.keeps_round)

    def _ended_before(self) -> str | None:
        """Why the rounds have ended already, if they have."""
        for stage in rounds_before(self.recipe, self.job.number):
            end = self.job.record.round_of(stage.name).get("ended_by")
            if end is not None:
                return f"{stage.name} ended the rounds: {end['sentence']}"
        return None

    def _heldout_prompts(self) -> PromptSelection | None:
        """What is asked before and after, and never trained on; None if nothing is held out."""
        inputs, config = self.job.inputs(), self.job.config
        return prompts_of(inputs.table, self._held_out() & ~inputs.evaluated, None, config.seed)

    def _held_out(self) -> BoolArray:
        config = self.job.config
        prompts = self.job.inputs().table.prompts
        return holdout_mask(prompts, config.recipe.holdout_share, config.seed)

    def _asked(self, stage: str | None, heldout: PromptSelection | None) -> AskedByBoth | None:
        """The held-out prompts, sampled as in the evaluation."""
        if heldout is None:
            return None
        config = self.job.config
        k = self.stage.own_samples.k
        sampling = Sampling.of(config.recipe.evaluation, config.seed, k)
        return self.job.sampler.ask(stage, heldout, sampling)

    def _sample_pairs(self, asked: AskedByBoth | None) -> None:
        """Write the pairs into the stage's folder, if they are not there yet.

        Args:
            asked: the answers to the held-out prompts, which are paired too.
        """
        folder = self.job.sampler.output.stage(self.stage.name)
        if folder.own_pairs.is_file():
            return
        folder.path.mkdir(parents=True, exist_ok=True)
        self.job.phases.begin(Phase.SAMPLE)
        training = self._sampled(folder.samples)
        self.job.phases.begin(Phase.PAIR)
        heldout_answers = [] if asked is None else [asked.sampled]
        weights, settings = self.stage.weights.as_array(), self.stage.own_samples
        found = own_pairs(training, weights, settings, self._origin(), heldout_answers)
        self._say(found.sentence())
        self._note(
            {
                "model": self.model or BASELINE,
                "sampled": {
                    "num_prompts": found.num_prompts,
                    "num_heldout_prompts": sum(
                        len(answers.selection.prompts) for answers in heldout_answers
                    ),
                    "num_pairs": found.num_pairs,
                    "dropped": found.dropped,
                    "sampling": training.describe(),
                },
                "said": [found.sentence()],
            }
        )
        write_pairs(folder.own_pairs, found.table)
        folder.samples.unlink()

    def _sampled(self, journal: Path) -> Sampled:
        """Answers to the training prompts."""
        asked, settings = self.prompts(), self.stage.own_samples
        self._say(
            f"{len(asked.selection.prompts):,} training prompts × {settings.k} answers of "
            f"{self.model or BASELINE} at temperature {settings.temperature:g}"
        )
        return self.job.sampler.sample(asked.stage, asked.selection, asked.sampling, journal)

    def prompts(self) -> RoundPrompts:
        """Raises: DataError, if none is left."""
        config, inputs, settings = self.job.config, self.job.inputs(), self.stage.own_samples
        seed = config.seed + 1 + self.job.number
        may_be_asked = ~(inputs.leaks | inputs.evaluated | self._held_out())
        selection = prompts_of(inputs.table, may_be_asked, settings.num_prompts, seed)
        if selection is None:
            raise DataError(
                f"{self.stage.name}: no training prompt is left to sample answers to: bring more pairs"
            )
        sampling = sampling_of(settings, config.recipe.evaluation, seed)
        return RoundPrompts(self.model, selection, sampling)

    def _origin(self) -> Origin:
        base = self.job.sampler.models.after(self.model)
        return Origin(
            model=name_of_model(base.name, (stage.name for stage in self.earlier)),
            weights_sha256=weights_hash(base.model),
            judge=self.job.sampler.detector.record.fingerprint,
        )

    def _planned(self) -> PlannedStage:
        """The stage with its pairs, and no more steps than the cap leaves it."""
        planned = replace(self.job.inputs().stages[self.job.number], awaits_pairs=False)
        cap = self.stage.max_steps
        if cap is not None:
            planned = capped(planned, cap - self._steps_before())
        self._note({"kept": planned.counts()})
        return planned

    def _steps_before(self) -> int:
        return sum(map(self._steps_of, rounds_before(self.recipe, self.job.number)))

    def _steps_of(self, stage: StageConfig) -> int:
        return int((self.job.record.stage_of(stage.name) or {"num_steps": 0})["num_steps"])

    def _train(self, planned: PlannedStage) -> None:
        if self.job.record.stage_of(self.stage.name) is None:
            stage_job, sampler = replace(self.job.stage_job(), planned=planned), self.job.sampler
            self.job.record.stage(train_stage(sampler.models, stage_job, sampler.reporter))

    def _cap_reached(self) -> RoundEnd | None:
        cap = self.stage.max_steps
        if cap is None or self._steps_before() + self._steps_of(self.stage) < cap:
            return None
        return RoundEnd("steps", f"the cap of {cap:,} optimizer steps is reached")

    def _finish(
        self,
        check: RoundCheck | None,
        end: RoundEnd | None,
        *,
        in_effect: bool,
        said: Sequence[str] = (),
    ) -> None:
        """Note what became of the round; with this it is finished."""
        sentences = [*said]
        if check is not None:
            sentences.append(check.sentence())
        if end is not None:
            kept = "kept" if in_effect else "left out"
            sentences.append(f"the rounds end and this one is {kept}: {end.sentence}")
        for sentence in sentences:
            self._say(sentence)
        noted = self.job.record.round_of(self.stage.name)
        self._note(
            {
                "said": [*noted.get("said", ()), *sentences],
                "check": None if check is None else check.document(),
                "ended_by": None if end is None else {"rule": end.rule, "sentence": end.sentence},
                "in_effect": in_effect,
            }
        )

    def _note(self, facts: dict[str, Any]) -> None:
        self.job.record.round(self.stage.name, facts)
        self.job.sampler.reporter.on_round(self.job.record.round_of(self.stage.name))

    def _say(self, sentence: str) -> None:
        self.job.sampler.reporter.say(f"{self.stage.name}: {sentence}")


def _check(before: AskedByBoth | None, after: AskedByBoth | None) -> RoundCheck | None:
    if before is None or after is None:
        return None
    second = None
    if before.second is not None and after.second is not None:
        second = before.second, after.second
    return RoundCheck.of(before.sampled.answers, after.sampled.answers, second)
