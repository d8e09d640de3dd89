"""A recipe run from end to end in one process."""

from dataclasses import dataclass
from typing import Any

import torch

from grice_core.detector.load import load_detector
from grice_core.detector.score import Detector
from grice_core.dpo.policy import load_base, merge_saved
from grice_core.errors import InterruptedRunError
from grice_core.evaluation.results import Evaluation, write_evaluation
from grice_core.pipeline.config import PipelineConfig, Reporter
from grice_core.pipeline.inputs import PipelineInputs, read_inputs
from grice_core.pipeline.judging import EvaluationJob, evaluate_stages
from grice_core.pipeline.output import OutputFolder, open_output
from grice_core.pipeline.record import RunRecord
from grice_core.pipeline.training import StageJob, train_stage
from grice_core.precision import resolve_device, resolve_precision


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """What a pipeline came to; everything stands in the output folder too."""

    output: OutputFolder
    record: dict[str, Any]
    """The content of run.json."""
    evaluation: Evaluation


def run_pipeline(config: PipelineConfig, reporter: Reporter | None = None) -> PipelineResult:
    """Check the data, cut, prove and train every stage, evaluate baseline and stages, write all.

    Raises: GriceError of the part that went wrong; what was finished before stays on disk.
    """
    reporter = reporter or Reporter()
    device = resolve_device(config.device)
    dtype = resolve_precision(config.precision, device)
    detector = load_detector(config.detector, device, config.precision)
    stage_names = tuple(stage.name for stage in config.recipe.stages)
    output = open_output(config.out, overwrite=config.overwrite, stages=stage_names)
    record = RunRecord(config, output)
    try:
        inputs = _read(config, detector, record, reporter)
        _train(config, inputs, (device, dtype), record, reporter)
        with record.timed("evaluation"):
            job = EvaluationJob(
                stages=stage_names,
                selection=inputs.selection,
                config=config.recipe.evaluation,
                detector=detector,
                output=output,
                seed=config.seed,
                dtype=dtype,
            )
            evaluation = evaluate_stages(load_base(config.base, device), job, reporter)
            write_evaluation(output.path, evaluation)
    except (InterruptedRunError, KeyboardInterrupt) as error:
        reason = str(error) or "interrupted"
        raise InterruptedRunError(f"{reason}. {output.what_is_left(stage_names)}") from error
    record.finish()
    return PipelineResult(output, record.content, evaluation)


def _read(
    config: PipelineConfig, detector: Detector, record: RunRecord, reporter: Reporter
) -> PipelineInputs:
    with record.timed("inputs"):
        inputs = read_inputs(config, detector, record.output, reporter)
        record.inputs(config, inputs, detector)
    return inputs


def _train(
    config: PipelineConfig,
    inputs: PipelineInputs,
    compute: tuple[torch.device, torch.dtype],
    record: RunRecord,
    reporter: Reporter,
) -> None:
    """Train every stage on the ones before it; their merged weights are gone at the end."""
    device, dtype = compute
    with record.timed("base"):
        base = load_base(config.base, device)
        record.base(base, str(device), str(dtype).removeprefix("torch."))
    for number, planned in enumerate(inputs.stages):
        job = StageJob(
            planned=planned,
            earlier=inputs.stages[:number],
            table=inputs.table,
            output=record.output,
            seed=config.seed,
            device=device,
            dtype=dtype,
        )
        with record.timed(job.name):
            record.stage(train_stage(base, job, reporter))
            base = merge_saved(base, record.output.stage(job.name).own_adapter)
