"""Whether a stage's passes fit into memory, before they are made."""

from peft import PeftModel

from grice_core.dpo.activations import activation_bytes
from grice_core.dpo.examples import Compute
from grice_core.dpo.prefix_trees import num_shared_tokens
from grice_core.errors import InputError
from grice_core.kernels.checkpointing import can_checkpoint
from grice_core.kernels.memory import free_bytes
from grice_core.pipeline.encoded_stage import EncodedStage, batches_of
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter

SHARE_OF_FREE = 0.8
"""Of the free memory, that what a pass keeps for backward may take."""


def recomputes(
    policy: PeftModel, encoded: EncodedStage, job: StageJob, compute: Compute, reporter: Reporter
) -> bool:
    """Whether the stage's layers are computed again in backward: gradient checkpointing.

    Measured on the stage's shortest pair, for its largest pass.

    Raises: InputError, if that is asked for and the model's layers can't be identified.
    """
    if job.gradient_checkpointing == "off":
        return False
    if not can_checkpoint(policy):
        if job.gradient_checkpointing == "on":
            raise InputError(
                "gradient_checkpointing on: the layers of this base model can't be identified: give auto or off"
            )
        return False
    if job.gradient_checkpointing == "on":
        return True
    free = free_bytes(job.device)
    if free is None:
        return False
    needed = _largest_pass(encoded, job, compute) * _bytes_per_token(policy, encoded, compute)
    if needed <= SHARE_OF_FREE * free:
        return False
    reporter.say(
        f"{job.name}: gradient checkpointing, since a pass would keep about {needed / 2**30:.1f} GiB for its "
        f"backward pass and {free / 2**30:.1f} GiB are free"
    )
    return True


def _bytes_per_token(policy: PeftModel, encoded: EncodedStage, compute: Compute) -> float:
    examples = encoded.examples
    pairs = [examples.pairs[index] for index in examples.shortest(1)]
    policy.eval()
    return activation_bytes(policy, pairs, compute) / num_shared_tokens(pairs)


def _largest_pass(encoded: EncodedStage, job: StageJob, compute: Compute) -> int:
    """Tokens."""
    pairs = encoded.examples.pairs
    steps = (
        num_shared_tokens([pairs[index] for index in batch]) for batch in batches_of(encoded, job)
    )
    longest = max(num_shared_tokens([pairs[index]]) for index in encoded.examples.train)
    return max(longest, min(max(steps), compute.budget.tokens))
