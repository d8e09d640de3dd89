"""Whether a stage's passes fit into memory, before they are made."""

from collections.abc import Sequence

import torch
from peft import PeftModel

from grice_core.dpo.activations import activation_bytes
from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.examples import Compute
from grice_core.dpo.logps import pair_logps
from grice_core.dpo.measured import Measured, measured
from grice_core.dpo.passes import GRADIENT_TOLERANCE, TOLERANCE, acting_as_trained
from grice_core.dpo.prefix_trees import num_shared_tokens
from grice_core.errors import PreflightError
from grice_core.kernels.checkpointing import can_checkpoint, gradient_checkpointing
from grice_core.kernels.linear import without_prepacking
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

    Raises: PreflightError, if that is asked for and the model's gradients would be others.
    """
    if job.gradient_checkpointing == "off":
        return False
    if job.gradient_checkpointing == "on":
        if not _is_exact(policy, encoded, compute):
            raise PreflightError(
                "gradient_checkpointing on: layers of this base model can't be computed again to the same "
                "gradients: give auto or off"
            )
        return True
    free = free_bytes(job.device)
    if free is None:
        return False
    needed = _largest_pass(encoded, job, compute) * _bytes_per_token(policy, encoded, compute)
    if needed <= SHARE_OF_FREE * free or not _is_exact(policy, encoded, compute):
        return False
    reporter.say(
        f"{job.name}: gradient checkpointing, since a pass would keep about {needed / 2**30:.1f} GiB for its "
        f"backward pass and {free / 2**30:.1f} GiB are free"
    )
    return True


def _is_exact(policy: PeftModel, encoded: EncodedStage, compute: Compute) -> bool:
    """Whether gradients are the same, tried in fp32 with an adapter that changes something."""
    if not can_checkpoint(policy):
        return False
    policy.eval()
    pairs = _shortest(encoded)
    with torch.autocast(compute.device.type, enabled=False), without_prepacking():
        kept, computed_again = (
            _measured(policy, pairs, compute, checkpointed=checkpointed)
            for checkpointed in (False, True)
        )
    gaps = computed_again.gap_to(kept), computed_again.gradient_gap_to(kept)
    return gaps[0] <= TOLERANCE and gaps[1] <= GRADIENT_TOLERANCE


def _measured(
    policy: PeftModel, pairs: Sequence[EncodedPair], compute: Compute, *, checkpointed: bool
) -> Measured:
    with acting_as_trained(policy), gradient_checkpointing(enabled=checkpointed):
        found = pair_logps(policy, pairs, compute.passes, compute.head)
        return measured(policy, torch.cat([found.chosen, found.rejected]))


def _shortest(encoded: EncodedStage) -> list[EncodedPair]:
    return [encoded.examples.pairs[index] for index in encoded.examples.shortest(1)]


def _bytes_per_token(policy: PeftModel, encoded: EncodedStage, compute: Compute) -> float:
    pairs = _shortest(encoded)
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
