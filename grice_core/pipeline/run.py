"""A recipe run from end to end in one process."""

from dataclasses import dataclass
from typing import Any

from grice_core.detector.load import load_detector
from grice_core.dpo.policy import load_base, merge_saved
from grice_core.evaluation.results import Evaluation, write_evaluation
from grice_core.pipeline.config import PipelineConfig, Reporter
from grice_core.pipeline.inputs import read_inputs
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

    with record.timed("inputs"):
        inputs = read_inputs(config, detector, output, reporter)
        record.inputs(config, inputs, detector)

    with record.timed("base"):
        base = load_base(config.base, device)
        record.base(base, str(device), str(dtype).removeprefix("torch."))

    for number, planned in enumerate(inputs.stages):
        job = StageJob(
            planned, inputs.stages[:number], inputs.table, output, config.seed, device, dtype
        )
        with record.timed(job.name):
            record.stage(train_stage(base, job, reporter))
            base = merge_saved(base, output.stage(job.name).own_adapter)
    # The stages' merged weights make room for the plain base, which is asked first.
    del base

    with record.timed("evaluation"):
        evaluation = evaluate_stages(
            load_base(config.base, device),
            EvaluationJob(
                stages=stage_names,
                selection=inputs.selection,
                config=config.recipe.evaluation,
                detector=detector,
                output=output,
                seed=config.seed,
                dtype=dtype,
            ),
            reporter,
        )
        write_evaluation(output.path, evaluation)
    record.finish()
    return PipelineResult(output, record.content, evaluation)
