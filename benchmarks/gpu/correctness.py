"""What a device computes, against the plain model on the CPU in fp32."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from benchmarks.gpu.results import Row, at_least, at_most
from benchmarks.gpu.setting import Setting
from benchmarks.trainer.contenders import Given, give, stage_job
from benchmarks.trainer.work import Size, Work
from grice_core.dpo.checkpointing.resume import CheckpointPlan
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.logps import Passes, plain_logps, response_logps
from grice_core.dpo.measured import Measured, measured
from grice_core.dpo.passes import (
    BF16_FACTOR,
    BF16_FLOOR,
    GRADIENT_TOLERANCE,
    LARGEST_TOLERANCE,
    acting_as_trained,
)
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.prefix_trees import Tree, shared_trees
from grice_core.errors import InterruptedRunError
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.stored import store_weights
from grice_core.pipeline.preparing import prepare_stage
from grice_core.progress import Reporter

LOSS_TOLERANCE = 1e-4
"""Largest relative difference of a step's loss: twelve steps add to what one pass may be off by."""
CHANGE_TOLERANCE = 1e-2
"""Of what training changes of the adapter, by norms: Adam turns rounding of a gradient near 0 into a step of full length."""
EQUAL_ANSWERS = 0.95
"""Share of texts that are the same on both devices: where a draw is a tie to rounding, they part."""


def check_passes(setting: Setting, size: Size) -> Iterator[Row]:
    """Log-probabilities and an adapter's gradients."""
    given = _given(setting, size)
    pairs = encode_pairs(given.table, given.tokenizer, given.work.stage.max_length).pairs
    trees = shared_trees([pairs[place] for place in range(setting.num_checked // 2)])
    policy = _policy(given)
    with acting_as_trained(policy), plain_kernels():
        exact = measured(policy, plain_logps(policy, trees))
    there = copy.deepcopy(policy).to(setting.torch_device)
    kinds: tuple[Passes, ...] = ("shared", "separate")
    for passes in kinds:
        found = _measured(there, trees, passes)
        what = f"log-probabilities, {passes} passes: relative difference"
        yield at_most(f"{size}, fp32", what, found.gap_to(exact), LARGEST_TOLERANCE)
        what = f"gradients, {passes} passes: relative difference"
        yield at_most(f"{size}, fp32", what, found.gradient_gap_to(exact), GRADIENT_TOLERANCE)
    with torch.autocast(setting.torch_device.type, dtype=torch.bfloat16):
        with plain_kernels(), torch.no_grad(), acting_as_trained(there):
            plain = _off_by(plain_logps(there, trees), exact)
        yield from _in_bf16(f"{size}, bf16", "base in fp32", _measured(there, trees), exact, plain)
        again = _given(setting, size)
        store_weights(again.model, "bf16")
        stored = _measured(_policy(again).to(setting.torch_device), trees)
        yield from _in_bf16(f"{size}, bf16", "base in bf16", stored, exact, plain)


def _in_bf16(work: str, base: str, found: Measured, exact: Measured, plain: float) -> Iterator[Row]:
    """May be off by as much more than the plain model in bf16 as a run allows before it begins."""
    limit = BF16_FACTOR * plain + BF16_FLOOR
    what = f"log-probabilities, {base}: mean relative difference"
    yield at_most(work, what, _off_by(found.values, exact), limit, f"the plain model: {plain:.1e}")
    gap = found.gradient_gap_to(exact)
    yield Row(work, f"gradients, {base}: relative difference", gap)


def _policy(given: Given) -> PeftModel:
    """On the CPU, where its adapter is drawn."""
    return add_adapter(given.base, given.work.stage.lora, seed=0, fuses=False).eval()


def _measured(policy: PeftModel, trees: list[Tree], passes: Passes = "shared") -> Measured:
    with acting_as_trained(policy):
        found = measured(policy, response_logps(policy, trees, passes))
    gradients = {name: gradient.cpu() for name, gradient in found.gradients.items()}
    return Measured(found.values.cpu(), gradients)


def _off_by(values: torch.Tensor, exact: Measured) -> float:
    scale = exact.values.abs().clamp(min=1.0)
    return float(((values.cpu() - exact.values).abs() / scale).mean())


@dataclass
class Trained:
    """What a training came to."""

    losses: list[float]
    change: torch.Tensor
    """Of the adapter's numbers, in one row."""

    def gaps_to(self, exact: "Trained") -> tuple[float, float]:
        """Largest relative difference of a loss, and of the change by norms; NaN for another number of steps."""
        if len(self.losses) != len(exact.losses):
            return float("nan"), float("nan")
        losses = max(
            abs(a - b) / max(abs(b), 1e-9) for a, b in zip(self.losses, exact.losses, strict=True)
        )
        return losses, float((self.change - exact.change).norm() / exact.change.norm())


def check_training(setting: Setting, size: Size) -> Iterator[Row]:
    """Losses and adapter of a stage without dropout, which each device draws in its own way."""
    work = _work(setting, size, "training")
    lora = work.stage.lora.model_copy(update={"dropout": 0.0})
    work = replace(work, changes={**work.changes, "lora": lora})
    with plain_kernels():
        exact = train(replace(work, device="cpu", home=work.home / "cpu"))
    yield from compared(f"{size}, fp32", "stage against the CPU", train(work), exact)


def check_resume(setting: Setting, size: Size) -> Iterator[Row]:
    """A stage with dropout that was stopped in its middle, against one that was not."""
    work = _work(setting, size, "resume")
    exact = train(work)
    half = len(exact.losses) // 2
    folder = work.home / "checkpoints"
    first = train(work, folder, stop_after=half)
    second = train(work, folder)
    resumed = Trained(first.losses + second.losses, second.change)
    for row in compared(f"{size}, fp32", f"stopped after {half} steps and resumed", resumed, exact):
        same = resumed.losses == exact.losses and torch.equal(resumed.change, exact.change)
        yield replace(row, note="bit for bit" if same else "not bit for bit")


def compared(work: str, what: str, found: Trained, exact: Trained) -> Iterator[Row]:
    """How far a training is from another."""
    losses, change = found.gaps_to(exact)
    yield at_most(work, f"{what}: relative difference of losses", losses, LOSS_TOLERANCE)
    yield at_most(
        work, f"{what}: relative difference of the adapter's change", change, CHANGE_TOLERANCE
    )


def train(work: Work, checkpoints: Path | None = None, stop_after: int = -1) -> Trained:
    """The stage, from its last checkpoint on if there is one."""
    given = give(work, lambda _: None)
    job = stage_job(given)
    prepared = prepare_stage(given.base, job, Reporter())
    losses: list[float] = []
    reporter = Reporter(
        on_step=lambda record: losses.append(record["loss"]),
        should_stop=lambda: len(losses) == stop_after,
    )
    plan = None
    if checkpoints is not None:
        plan = CheckpointPlan(checkpoints, prepared.reference_sha256, resume=True)
    before = adapter_of(prepared.trainer.parameters)
    with suppress(InterruptedRunError):
        prepared.trainer.run(prepared.encoded.planned.num_steps, job.seed, reporter, plan)
    return Trained(losses, adapter_of(prepared.trainer.parameters) - before)


def adapter_of(parameters: list[Any]) -> torch.Tensor:
    """All numbers in one row, on the CPU."""
    return torch.cat([parameter.detach().cpu().flatten() for parameter in parameters])


def check_answers(setting: Setting, size: Size) -> Iterator[Row]:
    """Texts on this device against the CPU's, and one at a time against a batch."""
    given = _given(setting, size)
    prompts = list(dict.fromkeys(given.table.prompts))[: setting.num_checked]
    sampling = Sampling(0.7, 0.9, 8 if setting.rehearse else 32, seed=0)

    def written(batch_size: int) -> list[str]:
        return generate(given.model, given.tokenizer, prompts, sampling, batch_size=batch_size)

    with plain_kernels():
        exact = written(len(prompts))
    given.model.to(setting.torch_device)
    together, alone = written(len(prompts)), written(1)
    what = "answers equal to the CPU's: share"
    yield at_least(f"{size}, fp32", what, _same(together, exact), EQUAL_ANSWERS)
    what = f"answers equal in batches of 1 and {len(prompts)}: share"
    yield at_least(f"{size}, fp32", what, _same(together, alone), 1.0)


def _same(found: list[str], exact: list[str]) -> float:
    return sum(a == b for a, b in zip(found, exact, strict=True)) / len(exact)


def _given(setting: Setting, size: Size) -> Given:
    """On the CPU, so that both devices compute with the same weights."""
    return give(replace(_work(setting, size, "passes"), device="cpu"), lambda _: None)


def _work(setting: Setting, size: Size, name: str) -> Work:
    return setting.work(
        size, "fp32", setting.num_checked, f"{name}-{size}", gradient_checkpointing="off"
    )
