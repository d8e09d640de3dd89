"""One stage of a pipeline, as it is handed from part to part."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from grice_core.chat.choice import FormatChoice
from grice_core.data.pairs import PairTable
from grice_core.kept import Kept, NothingKept
from grice_core.pipeline.options import Checkpointing, ReportTo
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.watched_prompts import WatchedPrompts
from grice_core.recipes.config import EvaluationConfig, ParallelSettings, StageConfig
from grice_core.recipes.plan import PlannedStage

if TYPE_CHECKING:
    from grice_core.pipeline.other_ranks import OtherRanks


@dataclass(frozen=True, eq=False)
class StageJob:
    """One stage to train, and what came before it."""

    planned: PlannedStage
    earlier: tuple[PlannedStage, ...]
    """Stages already merged into the base; their held-out pairs are watched for retention."""
    table: PairTable
    output: OutputFolder
    seed: int
    device: torch.device
    dtype: torch.dtype
    report_to: ReportTo = "none"
    num_processes: int = 1
    launched: "OtherRanks | None" = None
    """Those that a launcher has started; None: the stage starts its own."""
    parallel: ParallelSettings = field(default_factory=ParallelSettings)
    gradient_checkpointing: Checkpointing = "auto"
    format_choice: FormatChoice = field(default_factory=FormatChoice)
    watched: WatchedPrompts | None = None
    """What its model is asked while it trains; None: nothing."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """How its model will be asked, for its card."""
    kept: Kept = field(default_factory=NothingKept)
    """Trained stages of earlier pipelines."""

    @property
    def config(self) -> StageConfig:
        return self.planned.config

    @property
    def name(self) -> str:
        return self.planned.config.name
