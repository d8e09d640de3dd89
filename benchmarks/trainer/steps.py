"""What each step towards the fast trainer brings: the same optimizer step with it and without.

    python -m benchmarks.trainer.steps [--size small|medium]

Four pairs, a whole optimizer step at a time, the second one timed; then the reference of the same pairs,
for the first time and again. CPU seconds are printed too: on a busy machine they are fairer.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from benchmarks.options import add_device, add_size, new_parser
from benchmarks.trainer.contenders import Given, give, stage_job
from benchmarks.trainer.measuring import WorkCounter, synchronize
from benchmarks.trainer.work import some_work
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.examples import Compute
from grice_core.dpo.reference import ReferenceCache, reference_logps
from grice_core.dpo.train import StageTrainer
from grice_core.pipeline.preparing import prepare_stage
from grice_core.progress import Reporter

ONE_PAIR = 1
"""A budget that no two pairs fit into."""


def main() -> None:
    parser = new_parser(__doc__)
    add_size(parser)
    add_device(parser)
    arguments = parser.parse_args()
    counter = WorkCounter()
    with some_work(4, arguments.size, "auto", arguments.device) as work:
        given = give(work, counter.watch)
        trainer = prepare_stage(given.base, stage_job(given), Reporter()).trainer
        _show_steps(given, trainer, counter)
        _show_reference(given, trainer, counter)


def _show_steps(given: Given, trainer: StageTrainer, counter: WorkCounter) -> None:
    plain = Compute(given.device, given.dtype, "separate", TokenBudget(ONE_PAIR))
    ways = {
        "separate passes, pair by pair": plain,
        "separate passes, packed": replace(plain, budget=TokenBudget()),
        "shared passes, pair by pair": replace(plain, passes="shared"),
        "shared passes, packed": replace(plain, passes="shared", budget=TokenBudget()),
    }
    batch = np.arange(given.work.num_pairs)
    for name, compute in ways.items():
        trainer.runner.compute = compute
        trainer.take_step(batch, 0, 2, seed=0)
        with _timed(name, given, counter):
            trainer.take_step(batch, 1, 2, seed=0)


def _show_reference(given: Given, trainer: StageTrainer, counter: WorkCounter) -> None:
    cache = ReferenceCache.of(given.work.home / "steps", "weights", trainer.compute)
    for name in ("reference, first run", "reference, later runs"):
        with _timed(name, given, counter):
            reference_logps(trainer.policy, trainer.examples.pairs, trainer.compute, cache)


@contextmanager
def _timed(name: str, given: Given, counter: WorkCounter) -> Iterator[None]:
    tokens, started, cpu_started = counter.tokens.total(), time.perf_counter(), time.process_time()
    yield
    synchronize(given.device)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    per_pair = (counter.tokens.total() - tokens) / given.work.num_pairs
    print(f"{name:32}{seconds:8.2f} s{cpu_s:8.2f} CPU s{per_pair:8.0f} tokens/pair", flush=True)


if __name__ == "__main__":
    main()
