"""The proof, before the first step, that the reference is what it claims to be.

At the start the adapter changes nothing, so policy and reference must agree on every pair: Δ = 0, and
the loss is weight times what the objective says that it is there (DPO: ln 2). If they don't agree, every
later number would be relative to something else. After the first step they must differ, or nothing is
being trained.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from peft import PeftModel

from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.examples import Compute, StageExamples
from grice_core.dpo.logps import PairLogps, pair_logps
from grice_core.dpo.policy import reference
from grice_core.dpo.runner import PairRunner
from grice_core.errors import PreflightError, TrainingError
from grice_core.kernels.linear import without_prepacking
from grice_core.objectives import Objective

NUM_PAIRS = 4
"""Pairs on which the reference is proven."""

_ROUNDING = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""Relative difference that another packing of the same pairs may cause."""


@dataclass(frozen=True)
class PreflightReport:
    """What was measured, for the run's record."""

    rows: tuple[int, ...]
    max_delta: float
    """Largest |Δ| between policy and reference, in nats."""
    loss: float
    """Mean weighted loss, without an SFT term, which is the policy's alone."""
    expected_loss: float
    """Mean weight · the objective's value at Δ = 0."""


def preflight(runner: PairRunner, beta: float) -> PreflightReport:
    """Prove that Δ = 0, and that the loss is the objective's there, on the shortest training pairs.

    The reference's known log-probabilities are checked too: what the cache says must be what the
    adapter-off model says.

    Raises: PreflightError.
    """
    compute, loss = runner.compute, runner.loss
    indices = runner.examples.shortest(NUM_PAIRS)
    pairs = runner.pairs(indices)
    runner.policy.eval()
    with compute.autocast():
        current, fresh = _policy_and_reference(runner.policy, pairs, compute)
    batch = runner.examples.batch(indices, indices, compute.device)
    report = PreflightReport(
        rows=tuple(pair.row for pair in pairs),
        max_delta=float((current.margin - fresh.margin).abs().max()),
        loss=float(loss.of_pairs(current, fresh, batch, beta).preference.mean()),
        expected_loss=float(batch.weights.mean()) * loss.objective.at_zero(beta),
    )
    _check_reference(report)
    _check_objective(report, loss.objective)
    _check_known(runner.ref_logps.at(indices, compute.device), fresh, _ROUNDING[compute.dtype])
    return report


def check_learning(policy: PeftModel, examples: StageExamples, compute: Compute) -> None:
    """After the first step: Δ ≠ 0 on one of the same pairs, mostly the first that is looked at.

    If it is 0 on all of them, in fp32 too, since a first step can be too small to show in bf16.

    Raises: TrainingError.
    """
    pairs = [examples.pairs[index] for index in examples.shortest(NUM_PAIRS)]
    policy.eval()
    with compute.autocast():
        if _differ(policy, pairs, compute):
            return
    with torch.autocast(compute.device.type, enabled=False), without_prepacking():
        if _differ(policy, pairs, compute):
            return
    raise TrainingError(
        "the first optimizer step changed nothing (Δ is still 0 on every pair): "
        "raise learning_rate, or check lora.target_modules"
    )


def _differ(policy: PeftModel, pairs: Sequence[EncodedPair], compute: Compute) -> bool:
    """Whether policy and reference do on one of these pairs; none is looked at after that."""
    for pair in pairs:
        current, before = _policy_and_reference(policy, [pair], compute)
        if not torch.equal(current.chosen, before.chosen):
            return True
        if not torch.equal(current.rejected, before.rejected):
            return True
    return False


def _policy_and_reference(
    policy: PeftModel, pairs: Sequence[EncodedPair], compute: Compute
) -> tuple[PairLogps, PairLogps]:
    """The same pairs in the same passes, with the adapter on and off."""
    both = torch.empty((4, len(pairs)), device=compute.device)

    def run(positions: list[int]) -> None:
        group = [pairs[position] for position in positions]
        on = pair_logps(policy, group, compute.passes, compute.head)
        with reference(policy):
            off = pair_logps(policy, group, compute.passes, compute.head)
        both[:, positions] = torch.stack([on.chosen, on.rejected, off.chosen, off.rejected])

    with torch.no_grad():
        compute.budget.each(pairs, run)
    return PairLogps(both[0], both[1]), PairLogps(both[2], both[3])


def _check_reference(report: PreflightReport) -> None:
    if report.max_delta != 0.0:  # NaN too
        raise PreflightError(
            "the reference is not the model that training starts from: policy and reference differ "
            f"by up to {report.max_delta:.3g} nats before the first step, and the loss is "
            f"{report.loss:.6f} instead of {report.expected_loss:.6f}. "
            "Start from a fresh adapter on the stage's own base"
        )


def _check_objective(report: PreflightReport, objective: Objective) -> None:
    if not math.isclose(report.loss, report.expected_loss, rel_tol=1e-5):
        raise PreflightError(
            f"the objective {objective.name} contradicts itself: policy and reference agree, so the mean "
            f"weighted loss should be {report.expected_loss:.6f}, and is {report.loss:.6f}. Correct "
            f"losses or at_zero of {type(objective).__name__}, or choose another loss_type"
        )


def _check_known(known: PairLogps, fresh: PairLogps, rounding: float) -> None:
    for side, cached, now in (
        ("chosen", known.chosen, fresh.chosen),
        ("rejected", known.rejected, fresh.rejected),
    ):
        if not torch.allclose(cached, now, rtol=rounding, atol=rounding):
            worst = float((cached - now).abs().max())
            raise PreflightError(
                f"the reference log-probabilities of the {side} responses are off by up to "
                f"{worst:.3g} nats from what the model with its adapter off gives: delete the "
                "cache folder `reference` under GRICE_HOME and start again"
            )
