"""Everything that a stage needs before its first step: token ids, adapter, reference, proof."""

import time
from dataclasses import dataclass, replace

from peft import PeftModel

from grice_core.dpo.base import BaseModel
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.examples import Compute, StageExamples
from grice_core.dpo.head import prepacked_head
from grice_core.dpo.passes import InexactModelError, PassChoice, choose_passes
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.preflight import PreflightReport, preflight
from grice_core.dpo.reference import ReferenceCache, config_hash, reference_logps, weights_hash
from grice_core.dpo.schedules import beta_at
from grice_core.dpo.targets import Reach, reach_of
from grice_core.dpo.train import StageTrainer
from grice_core.errors import PreflightError
from grice_core.kernels.memory import keep_freed_memory
from grice_core.kernels.token_logps import FrozenHead
from grice_core.pipeline.encoded_stage import EncodedStage, encode_stage
from grice_core.pipeline.fitting import recomputes
from grice_core.pipeline.preference_shift import earlier_preferences
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter
from grice_core.settings import settings


@dataclass(frozen=True, eq=False)
class PreparedStage:
    """A stage whose reference is proven."""

    base: str
    """Hub id or folder of the base model, without the stages merged into it."""
    encoded: EncodedStage
    choice: PassChoice
    reach: Reach
    reference_sha256: str
    """Hash of the weights that the stage starts from."""
    proof: PreflightReport
    trainer: StageTrainer
    reference_s: float
    """Seconds that the reference pass took; next to none if its results were cached."""


def prepare_stage(base: BaseModel, job: StageJob, reporter: Reporter) -> PreparedStage:
    """Encode a stage's pairs, add its adapter to the base, and prove its reference.

    Raises: DataError, PreflightError, TrainingError, InterruptedRunError.
    """
    encoded = encode_stage(base, job, reporter)
    examples = encoded.examples
    reference_sha256 = weights_hash(base.model)
    policy = add_adapter(base, job.config.lora, job.seed)
    head = prepacked_head(policy)
    choice = _passes(policy, examples, job, head)
    keep_freed_memory()
    reporter.say(f"{job.name}: {choice.reason}")
    compute = Compute(job.device, job.dtype, choice.passes, TokenBudget(say=reporter.say), head)
    compute = replace(compute, recomputes=recomputes(policy, encoded, job, compute, reporter))
    model = f"{reference_sha256} {config_hash(base.model)}"
    cache = ReferenceCache.of(settings().home / "cache" / "reference", model, compute)
    started = time.perf_counter()
    known = reference_logps(policy, examples.pairs, compute, cache, reporter.interruptible)
    reference_s = time.perf_counter() - started
    examples = replace(examples, earlier=earlier_preferences(base, job))
    trainer = StageTrainer(policy, job.config, examples, known, compute)
    proof = preflight(trainer.runner, beta_at(job.config, 0, encoded.planned.num_steps))
    reporter.say(
        f"{job.name}: reference proven on {len(proof.rows)} pairs: Δ = {proof.max_delta:g}, "
        f"weighted {job.config.loss_type} loss = {proof.loss:.4f} as expected"
    )
    return PreparedStage(
        base.name, encoded, choice, reach_of(policy), reference_sha256, proof, trainer, reference_s
    )


def _passes(
    policy: PeftModel, examples: StageExamples, job: StageJob, head: FrozenHead | None
) -> PassChoice:
    try:
        return choose_passes(policy, examples.pairs, job.dtype, head)
    except InexactModelError as error:
        if not job.earlier:
            raise
        last = job.earlier[-1].config.name  # the plain base was exact, or it would not have begun
        raise PreflightError(
            f"{job.name} can't begin: after {last} single rows {error.failure}, and before it they did not. "
            f"The training of {last} has diverged: lower its learning_rate"
        ) from error
