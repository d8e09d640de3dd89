"""What Python users call where the library's own functions want objects that a pipeline makes.

Everything else that `grice_core` offers is the library's own function.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from grice_core.data.pairs import PairTable
from grice_core.detector import load as detectors
from grice_core.detector.judge import Detector
from grice_core.detector.pairs import score_pairs
from grice_core.dpo.base import BaseModel, load_base
from grice_core.dpo.policy import merge_saved
from grice_core.dpo.train import StageTrainer
from grice_core.evaluation.comparison import CorrectedChange, compared, corrected
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.kernels.precision import (
    Precision,
    WeightFormat,
    resolve_device,
    resolve_precision,
)
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.preparing import prepare_stage
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter
from grice_core.recipes.plan import PlannedStage


def load_detector(
    source: Path | str, *, device: str = "auto", precision: Precision = "auto"
) -> Detector:
    """A detector's folder, or a four-label Hugging Face classifier (folder or hub id).

    Raises: DetectorError, InputError (no such device).
    """
    return detectors.load_detector(source, resolve_device(device), precision)


def score(detector: Detector, table: PairTable, *, rescore: bool = False) -> PairTable:
    """The pairs with a violation probability per response and maxim.

    Pairs that have scores keep them, unless `rescore`.
    """
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "scoring.journal"
        return score_pairs(detector, table, journal, rescore=rescore).table


def load_model(
    name: str,
    *,
    adapter: Path | None = None,
    device: str = "auto",
    base_dtype: WeightFormat = "fp32",
) -> BaseModel:
    """A causal language model and its tokenizer, from a folder or the hub.

    With `base_dtype="bf16"` its linear layers and embeddings are held in bf16, with "nf4" its linear layers in
    4 bits and the embeddings in bf16; all else in fp32.

    With `adapter`, a stage's `final_model` folder, the model after that stage: the adapter is merged
    into the weights.

    Raises: ModelError, InputError (no such device, nf4 without bitsandbytes).
    """
    base = load_base(name, resolve_device(device), base_dtype)
    return base if adapter is None else merge_saved(base, adapter)


def stage_trainer(
    base: BaseModel,
    table: PairTable,
    planned: PlannedStage,
    *,
    seed: int = 0,
    precision: Precision = "auto",
) -> StageTrainer:
    """A trainer for one stage, its reference proven; `run(num_steps, seed)` trains the adapter.

    The adapter is added to `base.model` in place. Reference log-probabilities are cached under
    `GRICE_HOME`.

    Raises: DataError, PreflightError (the reference is not the base), TrainingError.
    """
    device = base.model.device
    job = StageJob(
        planned=planned,
        earlier=(),
        table=table,
        output=OutputFolder(Path()),  # where earlier stages would stand; a trainer writes nothing
        seed=seed,
        device=device,
        dtype=resolve_precision(precision, device),
    )
    return prepare_stage(base, job, Reporter()).trainer


def compare(models: Sequence[EvaluatedModel]) -> list[CorrectedChange]:
    """The paired change of each measure: each model from the first, and from the one before it.

    Every change comes with a 95 % bootstrap interval over prompts and an exact p-value, Holm-corrected
    over all changes returned.

    Raises: DataError, if two models have no prompt in common.
    """
    return corrected(compared(models))
