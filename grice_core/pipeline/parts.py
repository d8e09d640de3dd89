"""The parts of a pipeline: prepare, train each stage, evaluate.

Each part continues from what the parts before it left in the output folder, so they may run in one
process, which keeps models in memory between them, or each in a process of its own, whenever and
wherever: the numbers are the same.
"""

from functools import cached_property

import torch

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import PromptFormat
from grice_core.detector.judge import Detector
from grice_core.detector.load import load_detector
from grice_core.dpo.base import BaseModel
from grice_core.errors import DetectorError, ModelError, PreflightError, RecipeError
from grice_core.evaluation.reach import reach_of
from grice_core.evaluation.results import Evaluation, write_evaluation
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.kept import Kept, NothingKept
from grice_core.kernels.precision import (
    name_of_dtype,
    resolve_base_dtype,
    resolve_device,
    resolve_precision,
)
from grice_core.pipeline.card import results_section, write_stage_card
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.inputs import PipelineInputs, read_inputs
from grice_core.pipeline.judging import EvaluationJob, evaluate_stages
from grice_core.pipeline.launch_ranks import check_several, count_processes
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.record import ComputedIn, RunRecord, begun_base_dtype
from grice_core.pipeline.stage_job import StageJob
from grice_core.pipeline.taught import taught_section
from grice_core.pipeline.trackers import check_reporting
from grice_core.pipeline.training import train_stage
from grice_core.pipeline.trial import BaseTrial, TrialJob, try_base
from grice_core.progress import Reporter
from grice_core.recipes.config import ParallelSettings


class PipelineParts:
    """One pipeline in its output folder, which exists; what a part needs is loaded when it does."""

    def __init__(
        self, config: PipelineConfig, reporter: Reporter | None = None, kept: Kept | None = None
    ) -> None:
        check_reporting(config.report_to)
        self.config = config
        self.reporter = reporter or Reporter()
        self.kept = kept or NothingKept()
        self.output = OutputFolder(config.out)
        self.device = resolve_device(config.device)
        self.parallel = config.recipe.parallel or ParallelSettings()
        self.num_processes = count_processes(config.num_processes, self.device)
        check_several(self.num_processes, self.device, self.parallel)
        self.dtype = resolve_precision(config.precision, self.device)
        self._detector: Detector | None = None
        self._second_judge: Detector | None = None

    @cached_property
    def _models(self) -> StageModels:
        """Raises: OutputError, if earlier parts held the base in another format than is asked for."""
        choice = begun_base_dtype(self.output, self.config.base_dtype)
        dtype = resolve_base_dtype(choice, self.dtype, sharded=self.parallel.fsdp is not None)
        return StageModels(
            self.config.base, self.device, self.output, dtype, may_fall_back=choice == "auto"
        )

    def load_base(self) -> BaseModel:
        """The plain base; loaded once, until a stage's model takes its place.

        Raises: ModelError.
        """
        return self._models.after(None)

    @property
    def base_dtype(self) -> torch.dtype:
        """In which the base's weights are held; known for good once it is loaded."""
        return self._models.base_dtype

    @property
    def stage_names(self) -> tuple[str, ...]:
        return tuple(stage.name for stage in self.config.recipe.stages)

    def load_detector(self) -> Detector:
        """The judge; loaded once.

        Raises: DetectorError.
        """
        if self._detector is None:
            self._detector = load_detector(self.config.detector, self.device, self.config.precision)
        return self._detector

    def load_second_judge(self) -> Detector | None:
        """The judge beside it, if one is named; loaded once.

        Raises: DetectorError.
        """
        source = self.config.second_judge
        if self._second_judge is None and source is not None:
            judge = load_detector(source, self.device, self.config.precision)
            if judge.record.fingerprint == self.load_detector().record.fingerprint:
                raise DetectorError(
                    f"the second judge {source} is the detector itself: name one that was trained on other "
                    "labels (grice detector train --disjoint 2), or a language model"
                )
            self._second_judge = judge
        return self._second_judge

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
    def inputs(self) -> PipelineInputs:
        """The user's files, read, scored, checked and cut."""
        return read_inputs(self.config, self.load_detector, self.output, self.reporter, self.kept)

    def prepare(self) -> None:
        """Check everything that the user gave, score what comes without scores, and try the base model.

        Raises: DataError, DetectorError, ModelError, PreflightError, InterruptedRunError.
        """
        with self.record.timed("inputs"):
            judges = self.load_detector(), self.load_second_judge()
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
            if not self._models.fall_back():
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
        job = self.stage_job(number, self.inputs)
        with self.record.timed(stage):
            self.record.stage(train_stage(self._models, job, self.reporter))

    def is_trained(self, stage: str) -> bool:
        """Whether the output folder holds this stage, finished."""
        return any(record["name"] == stage for record in self.record.content["stages"])

    def evaluate(self) -> Evaluation:
        """Ask the baseline and every stage, judge the answers, write the results.

        Raises: ModelError, DetectorError, InterruptedRunError.
        """
        job = self.evaluation_job(self.inputs.selection)
        with self.record.timed("evaluation"):
            evaluation = evaluate_stages(self._models, job, self.reporter)
            write_evaluation(self.output.path, evaluation)
            form = self.format_choice.of(self._models.after(self.stage_names[-1]).tokenizer)
            self._write_cards(evaluation, form)
        self.record.finish()
        self.output.answers.unlink()
        return evaluation

    def stage_job(self, number: int, inputs: PipelineInputs) -> StageJob:
        """What training one stage, counted from 0, means."""
        return StageJob(
            planned=inputs.stages[number],
            earlier=inputs.stages[:number],
            table=inputs.table,
            output=self.output,
            seed=self.config.seed,
            device=self.device,
            dtype=self.dtype,
            report_to=self.config.report_to,
            num_processes=self.num_processes,
            parallel=self.parallel,
            gradient_checkpointing=self.config.gradient_checkpointing,
            format_choice=self.format_choice,
            kept=self.kept,
        )

    def trial_job(self, inputs: PipelineInputs) -> TrialJob:
        """What trying the base means."""
        stages = tuple(self.stage_job(number, inputs) for number in range(len(inputs.stages)))
        evaluation = self.config.recipe.evaluation
        return TrialJob(stages, inputs.selection.asked, evaluation.max_new_tokens, self.dtype)

    def evaluation_job(self, selection: PromptSelection) -> EvaluationJob:
        """What asking and judging means."""
        config = self.config
        return EvaluationJob(
            stages=self.stage_names,
            selection=selection,
            config=config.recipe.evaluation,
            detector=self.load_detector(),
            output=self.output,
            sampling=Sampling.of(config.recipe.evaluation, config.seed, config.samples_per_prompt),
            dtype=self.dtype,
            format_choice=self.format_choice,
            batch_size=None if config.eval_batch == "auto" else config.eval_batch,
            second_judge=self.load_second_judge(),
            kept=self.kept,
        )

    def _write_cards(self, evaluation: Evaluation, form: PromptFormat) -> None:
        """Tell in each adapter's card how it was judged."""
        stages, planned, table = self.config.recipe.stages, self.inputs.stages, self.inputs.table
        judge = self.load_detector()
        reach = reach_of(table, judge.thresholds)
        reached = reach.sentence(self.config.recipe.evaluation) if reach else ""
        for number, stage in enumerate(stages, 1):
            folder = self.output.stage(stage.name).final_model
            taught = taught_section(planned[:number], table, reached)
            results = results_section(evaluation, number, judge.record.fingerprint)
            write_stage_card(
                folder,
                stages[:number],
                self.config.base,
                form,
                taught,
                results,
                base_dtype=name_of_dtype(self.base_dtype),
            )

    def _number(self, stage: str) -> int:
        if stage not in self.stage_names:
            raise RecipeError(
                f"the recipe {self.config.recipe.name} has no stage {stage!r}; "
                f"it has {', '.join(self.stage_names)}"
            )
        return self.stage_names.index(stage)
