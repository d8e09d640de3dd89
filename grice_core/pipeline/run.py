"""A recipe run from end to end in one process."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grice_core.errors import InterruptedRunError
from grice_core.evaluation.results import Evaluation
from grice_core.kept import Kept
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.output import OutputFolder, open_output, reopen_output
from grice_core.pipeline.parts import PipelineParts
from grice_core.progress import Reporter

if TYPE_CHECKING:
    from grice_core.pipeline.other_ranks import OtherRanks


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """What a pipeline came to; everything stands in the output folder too."""

    output: OutputFolder
    record: dict[str, Any]
    """The content of run.json."""
    evaluation: Evaluation


def run_pipeline(
    config: PipelineConfig,
    reporter: Reporter | None = None,
    kept: Kept | None = None,
    launched: "OtherRanks | None" = None,
) -> PipelineResult:
    """Check the data, cut, prove and train every stage, evaluate baseline and stages, write all.

    With `config.resume`, continue where an interruption left it: finished stages stay as they are.

    Args:
        kept: Answers, scores and trained stages of earlier runs, where the same would come out again;
            None: all are made anew.
        launched: Processes that a launcher has started with this one, to share the work; None: as many as the
            configuration says are started.

    Raises: GriceError of the part that went wrong; what was finished before stays on disk.
    """
    parts = PipelineParts(config, reporter, kept, launched)
    parts.judges.load()  # so that a wrong one leaves no folder behind
    if config.resume:
        output = reopen_output(config.out)
    else:
        output = open_output(config.out, overwrite=config.overwrite, stages=parts.stage_names)
    try:
        parts.prepare()
        for stage in parts.stage_names:
            if not parts.is_trained(stage):
                parts.train(stage)
        evaluation = parts.evaluate()
    except (InterruptedRunError, KeyboardInterrupt) as error:
        reason = str(error) or "interrupted"
        raise InterruptedRunError(f"{reason}. {output.what_is_left(parts.stage_names)}") from error
    return PipelineResult(output, parts.record.content, evaluation)
