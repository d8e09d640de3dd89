"""The parts of a pipeline: prepare, train each stage, evaluate.

Each part continues from what the parts before it left in the output folder, so they may run in one
process, which keeps models in memory between them, or each in a process of its own, whenever and
wherever: the numbers are the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from grice_core.chat.choice import FormatChoice
from grice_core.data.columnar import read_pairs
from grice_core.dpo.base import BaseModel
from grice_core.errors import ModelError, PreflightError, RecipeError, TrainingError
from grice_core.evaluation.results import Evaluation, write_evaluation
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.kept import Kept, NothingKept
from grice_core.kernels.precision import (
    WeightFormat,
    check_format,
    resolve_base_dtype,
    resolve_device,
    resolve_precision,
)
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.evaluation_job import EvaluationJob, asked_of
from grice_core.pipeline.expected_rounds import expected_job
from grice_core.pipeline.final_cards import CardFacts, write_final_cards
from grice_core.pipeline.helped_answers import Helpers
from grice_core.pipeline.inputs import PipelineInputs, read_inputs
from grice_core.pipeline.judges import Judges
from grice_core.pipeline.judging import evaluate_stages
from grice_core.pipeline.launch_ranks import check_several, count_processes
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.own_answers import AskedHow, Sampler
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.receipt import write_receipt
from grice_core.pipeline.record import ComputedIn, RunRecord, begun_base_dtype
from grice_core.pipeline.rounds import RoundJob, train_round
from grice_core.pipeline.stage_job import StageJob
from grice_core.pipeline.trackers import check_reporting
from grice_core.pipeline.training import train_stage
from grice_core.pipeline.trial import BaseTrial, TrialJob, try_base
from grice_core.pipeline.watched_prompts import WatchedPrompts
from grice_core.progress import Reporter
from grice_core.recipes.config import ParallelSettings
from grice_core.recipes.plan import PlannedStage
from grice_core.rounds.phases import PhaseProgress

if TYPE_CHECKING:
    from grice_core.pipeline.other_ranks import OtherRanks


class PipelineParts:
    """One pipeline in its output folder, which exists; what a part needs is loaded when it does."""

    def __init__(
        self,
        config: PipelineConfig,
        reporter: Reporter | None = None,
        kept: Kept | None = None,
        launched: "OtherRanks | None" = None,
        helpers: Helpers | None = None,
    ) -> None:
        check_reporting(config.report_to)
        check_format(config.base_dtype)
        self.config = config
        self.reporter = reporter or Reporter()
        self.kept = kept or NothingKept()
        self.output = OutputFolder(config.out)
        self.device = resolve_device(config.device)
        self.parallel = config.recipe.parallel or ParallelSettings()
        self.launched = launched
        self.helpers = helpers
        self.num_processes = count_processes(config.num_processes, self.device, launched)
        check_several(self.num_processes, self.device, self.parallel, launched)
        self.dtype = resolve_precision(config.precision, self.device)
        self.judges = Judges(config, self.device)
        self._joined: tuple[tuple[int, ...], PipelineInputs] | None = None

    @cached_property
    def models(self) -> StageModels:
        """The plain base, and what stages made of it.

        Raises: OutputError, if earlier parts held the base in another format than is asked for."""
        choice = begun_base_dtype(self.output, self.config.base_dtype)
        dtype = resolve_base_dtype(choice, self.dtype, sharded=self.parallel.fsdp is not None)
        return StageModels(
            self.config.base, self.device, self.output, dtype, may_fall_back=choice == "auto"
        )

    def load_base(self) -> BaseModel:
        """The plain base; loaded once, until a stage's model takes its place.

        Raises: ModelError.
        """
        return self.models.after(None)

    @property
    def base_dtype(self) -> WeightFormat:
        """How the base's weights are held; known for good once it is loaded."""
        return self.models.base_dtype

    @property
    def stage_names(self) -> tuple[str, ...]:
        """All of the recipe, trained or not."""
        return tuple(stage.name for stage in self.config.recipe.stages)

    @cached_property
    def record(self) -> RunRecord:
        """run.json: resumed if it exists, else new."""
        return RunRecord(self.config, self.num_processes, self.output)

    @cached_property
    def format_choice(self) -> FormatChoice:
        """How the models are asked; a template that writes the date gets that of the first part."""
        recorded = (self.output.read_run() or {}).get("prompt_format", {})
        return FormatChoice.at(self.config.recipe.prompt_format, recorded.get("rendered_at"))

    @cached_property
    def _data_inputs(self) -> PipelineInputs:
        """The user's files alone."""
        return read_inputs(
            self.config, lambda: self.judges.detector, self.output, self.reporter, self.kept
        )

    @property
    def inputs(self) -> PipelineInputs:
        """The user's files, read, scored, checked and cut, with the pairs that were sampled so far."""
        files = self.output.own_pairs(self.config.recipe.stages)
        if self._joined is None or self._joined[0] != tuple(files):
            own = {number: read_pairs(path) for number, path in files.items()}
            recipe, seed = self.config.recipe, self.config.seed
            joined = self._data_inputs.with_own_pairs(recipe, seed, own)
            self._joined = tuple(files), joined
        return self._joined[1]

    def prepare(self) -> None:
        """Check everything that the user gave, score what comes without scores, and try the base model.

        Raises: DataError, DetectorError, ModelError, PreflightError, InterruptedRunError.
        """
        with self.record.timed("inputs"):
            judges = self.judges.load()
            self.record.inputs(self.config, self.inputs, *judges)
        with self.record.timed("base"):
            base = self.load_base()
            form = self.format_choice.of(base.tokenizer)
            self.record.prompt_format(self.format_choice.name, form)
            base, trial = self.try_base(self.inputs)
            how = ComputedIn(self.device, self.dtype, self.base_dtype)
            self.record.base(base, how, trial)

    def try_base(self, inputs: PipelineInputs) -> tuple[BaseModel, BaseTrial]:
        """The base and how it will be run: held in fp32 where weights in bf16, not asked for, don't do.

        It renders and encodes all that will be trained on or asked.

        Raises: DataError, ModelError, PreflightError, RecipeError.
        """
        base, job = self.load_base(), self.trial_job(inputs)
        try:
            return base, try_base(base, job, self.reporter)
        except (ModelError, PreflightError) as error:
            if not self.models.fall_back():
                raise
            self.reporter.say(f"{base.name} is held in fp32, since in bf16 it is refused: {error}")
        del base  # makes room
        base = self.load_base()
        return base, try_base(base, job, self.reporter)

    def train(self, stage: str) -> None:
        """Train one stage on the ones before it, which are trained already.

        Raises: DataError, PreflightError, TrainingError, InterruptedRunError.
        """
        number = self._number(stage)
        with self.record.timed(stage):
            if self.config.recipe.stages[number].is_from_model:
                train_round(self.round_job(stage))
            else:
                job = self.stage_job(number, self.inputs)
                self.record.stage(train_stage(self.models, job, self.reporter))

    def is_trained(self, stage: str) -> bool:
        """Whether the output folder holds this stage, finished, or says why it isn't trained."""
        if self.config.recipe.stages[self._number(stage)].is_from_model:
            return "in_effect" in self.record.round_of(stage)
        return self.record.stage_of(stage) is not None

    def evaluate(self) -> Evaluation:
        """Ask the baseline and every stage, judge the answers, write the results.

        Raises: ModelError, DetectorError, InterruptedRunError; TrainingError, if no stage counts.
        """
        with self.record.timed("evaluation"):
            planned = self._that_count(self.inputs.stages)
            if not planned:
                raise TrainingError(
                    f"no stage is left to evaluate: {self.record.why_rounds_ended()}"
                )
            names = [each.config.name for each in planned]
            job = self.evaluation_job(self.inputs.selection, names)
            self.record.answers_at_once(asked_of(self.models.after(None), job).batch_size)
            evaluation = evaluate_stages(self.models, job, self.reporter)
            write_evaluation(self.output.path, evaluation)
            self._write_cards(evaluation, planned)
        self.record.finish()
        self.output.answers.unlink()
        self.output.heldout_answers.unlink(missing_ok=True)
        write_receipt(self.output, self.stage_names)
        return evaluation

    def round_job(self, stage: str) -> RoundJob:
        """What a stage that takes its pairs from the model means.

        Raises: DetectorError, RecipeError.
        """
        number = self._number(stage)
        judges = self.judges.load()
        phases = PhaseProgress(self.reporter)
        how = AskedHow(
            dtype=self.dtype,
            format_choice=self.format_choice,
            batch_size=self._batch_size,
            kept=self.kept,
            reporter=replace(self.reporter, progress=phases),
            num_processes=self.num_processes,
            launched=self.launched,
            helpers=self.helpers,
        )
        return RoundJob(
            number,
            self.config,
            self.record,
            Sampler(self.models, self.output, *judges, how),
            inputs=lambda: self.inputs,
            stage_job=lambda: self.stage_job(number, self.inputs),
            phases=phases,
        )

    def _that_count(self, stages: Sequence[PlannedStage]) -> tuple[PlannedStage, ...]:
        """Without rounds that were not trained, or left out again."""
        return tuple(
            stage
            for stage in stages
            if not stage.config.is_from_model
            or (not stage.awaits_pairs and self.record.counts(stage.config))
        )

    def stage_job(self, number: int, inputs: PipelineInputs) -> StageJob:
        """What training one stage, counted from 0, means."""
        return StageJob(
            planned=inputs.stages[number],
            earlier=self._that_count(inputs.stages[:number]),
            table=inputs.table,
            output=self.output,
            seed=self.config.seed,
            device=self.device,
            dtype=self.dtype,
            report_to=self.config.report_to,
            num_processes=self.num_processes,
            launched=self.launched,
            parallel=self.parallel,
            gradient_checkpointing=self.config.gradient_checkpointing,
            format_choice=self.format_choice,
            watched=WatchedPrompts.of(self.config, inputs),
            evaluation=self.config.recipe.evaluation,
            kept=self.kept,
        )

    def trial_job(self, inputs: PipelineInputs) -> TrialJob:
        """What trying the base means."""
        jobs = [self.stage_job(number, inputs) for number in range(len(inputs.stages))]
        stages = tuple(
            expected_job(job, number, self.config.recipe, inputs)[0]
            for number, job in enumerate(jobs)
        )
        evaluation = self.config.recipe.evaluation
        return TrialJob(stages, inputs.selection.asked, evaluation.max_new_tokens, self.dtype)

    def evaluation_job(
        self, selection: PromptSelection, stages: Sequence[str] | None = None
    ) -> EvaluationJob:
        """What asking and judging the baseline and these stages, else all, means."""
        config = self.config
        return EvaluationJob(
            stages=self.stage_names if stages is None else tuple(stages),
            selection=selection,
            config=config.recipe.evaluation,
            detector=self.judges.detector,
            output=self.output,
            sampling=Sampling.of(config.recipe.evaluation, config.seed, config.samples_per_prompt),
            dtype=self.dtype,
            format_choice=self.format_choice,
            batch_size=self._batch_size,
            second_judge=self.judges.second,
            kept=self.kept,
            num_processes=self.num_processes,
            launched=self.launched,
        )

    @property
    def _batch_size(self) -> int | None:
        """Answers that are written at once; None: as many as fit."""
        return None if self.config.eval_batch == "auto" else self.config.eval_batch

    def _write_cards(self, evaluation: Evaluation, planned: Sequence[PlannedStage]) -> None:
        """Tell in each adapter's card how it was judged."""
        about = CardFacts(
            self.config.base,
            self.base_dtype,
            self.format_choice.of(self.models.after(planned[-1].config.name).tokenizer),
            self.judges.detector,
            self.record.content["stages"],
            self.record.rounds(),
        )
        write_final_cards(self.output, planned, self.inputs.table, evaluation, about)

    def _number(self, stage: str) -> int:
        if stage not in self.stage_names:
            raise RecipeError(
                f"the recipe {self.config.recipe.name} has no stage {stage!r}; "
                f"it has {', '.join(self.stage_names)}"
            )
        return self.stage_names.index(stage)
