"""How fast this machine trains a stage, from a few optimizer steps."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grice_core.data.pairs import IntArray
from grice_core.dpo.base import BaseModel
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.examples import Compute, StageExamples
from grice_core.dpo.head import prepacked_head
from grice_core.dpo.passes import choose_passes
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.prefix_trees import num_shared_tokens
from grice_core.dpo.preflight import NUM_PAIRS as NUM_PROVEN
from grice_core.dpo.reference import reference_logps, weights_hash
from grice_core.dpo.train import StageTrainer
from grice_core.kernels.memory import keep_freed_memory
from grice_core.pipeline.encoded_stage import EncodedStage, batches_of
from grice_core.pipeline.fitting import recomputes
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter

NUM_MEASURED = 3
"""Optimizer steps that tell the pace, after one that also makes room."""


@dataclass(frozen=True)
class Pace:
    """How fast this machine is with a base model and an adapter."""

    setup_s: float
    """Seconds of a stage that don't depend on the number of its pairs, what its first step takes longer
    among them."""
    forward_s: float
    """Seconds per token of a pass without gradient."""
    step_s: float
    """Seconds per token of an optimizer step."""


def measure_pace(base: BaseModel, job: StageJob, encoded: EncodedStage, reporter: Reporter) -> Pace:
    """Take a few optimizer steps of a stage, the largest first, and forget what they taught.

    So the memory that the process took by then is what the stage would take.

    Raises: TrainingError, if a single pair does not fit into memory; InterruptedRunError.
    """
    batches = _batches_to_measure(encoded, job)
    examples = _only(encoded.examples, np.concatenate(batches))
    started = time.perf_counter()
    weights_hash(base.model)
    policy = add_adapter(base, job.config.lora, job.seed)
    head = prepacked_head(policy)
    choice = choose_passes(policy, encoded.examples.pairs, job.dtype, head)
    keep_freed_memory()
    compute = Compute(job.device, job.dtype, choice.passes, TokenBudget(say=reporter.say), head)
    compute = replace(compute, recomputes=recomputes(policy, encoded, job, compute, reporter))
    setup_s = time.perf_counter() - started

    started = time.perf_counter()
    known = reference_logps(policy, examples.pairs, compute, progress=reporter.interruptible)
    forward_s = (time.perf_counter() - started) / num_shared_tokens(examples.pairs)

    trainer = StageTrainer(policy, job.config, examples, known, compute)
    room_s, step_s = _time_steps(trainer, [len(batch) for batch in batches], job.seed, reporter)
    policy.unload()
    return Pace(setup_s + room_s, forward_s, step_s)


def stage_seconds(
    pace: Pace, job: StageJob, encoded: EncodedStage, earlier: Sequence[EncodedStage] = ()
) -> float:
    """How long a stage would take from end to end, its reference not yet known.

    `earlier` are the stages before it.
    """
    examples, config = encoded.examples, job.config
    num_steps = encoded.planned.num_steps
    num_looks = 1 + -(-num_steps // config.eval_steps)
    watched = sum(_num_tokens(examples, group) for group in examples.watched.values())
    # All pairs for the reference; with the adapter on and off, those of the proof before the first step,
    # and the shortest of them after it.
    proven = examples.shortest(NUM_PROVEN)
    forward = num_shared_tokens(examples.pairs)
    forward += 2 * (_num_tokens(examples, proven) + _num_tokens(examples, proven[:1]))
    # The watched ones at each look, all that stages were trained on once more at the end.
    trained = [each.examples for each in (encoded, *earlier)]
    shared_forward = num_looks * watched + sum(_num_tokens(each, each.train) for each in trained)
    steps = sum(_num_tokens(examples, batch) for batch in batches_of(encoded, job))
    # Several processes divide a CPU's cores among themselves, but have a GPU each.
    speedup = job.num_processes if job.device.type == "cuda" else 1
    shared_s = pace.forward_s * shared_forward + pace.step_s * steps
    return pace.setup_s + pace.forward_s * forward + shared_s / speedup


def _time_steps(
    trainer: StageTrainer, sizes: list[int], seed: int, reporter: Reporter
) -> tuple[float, float]:
    """Optimizer steps over consecutive examples: seconds that the first takes beyond the others' pace,
    since it asks the system for memory and lays weights out, and that pace, in seconds per token."""
    seconds, num_tokens, end = list[float](), list[int](), 0
    for step, size in enumerate(sizes):
        batch = np.arange(end, end + size)
        end += size
        started = time.perf_counter()
        trainer.take_step(batch, step, len(sizes), seed)
        seconds.append(time.perf_counter() - started)
        num_tokens.append(_num_tokens(trainer.examples, batch))
        reporter.interruptible("measured steps", step + 1, len(sizes))
    step_s = sum(seconds[1:]) / sum(num_tokens[1:])
    return max(0.0, seconds[0] - step_s * num_tokens[0]), step_s


def _batches_to_measure(encoded: EncodedStage, job: StageJob) -> list[IntArray]:
    """The largest step of the stage, then some that lie evenly between its smallest and largest."""
    batches = batches_of(encoded, job)
    batches.sort(key=lambda batch: _num_tokens(encoded.examples, batch))
    middles = (2 * np.arange(NUM_MEASURED) + 1) * len(batches) // (2 * NUM_MEASURED)
    return [batches[-1], *(batches[place] for place in middles)]


def _only(examples: StageExamples, indices: IntArray) -> StageExamples:
    """Some examples in this order, all of them to train on."""
    return replace(
        examples,
        pairs=tuple(examples.pairs[index] for index in indices),
        margins=examples.margins[indices],
        shares=examples.shares[indices],
        train=np.arange(len(indices)),
        watched={},
    )


def _num_tokens(examples: StageExamples, indices: IntArray) -> int:
    return num_shared_tokens([examples.pairs[index] for index in indices])
