"""How near optimizer steps come to what matrix products by themselves keep up in the same minutes.

    python -m benchmarks.trainer.sustained [--size small|medium] [--precision fp32|bf16] [--turns N]

A step of four pairs, then products for as long, by turns: whatever else a shared machine does meets both
alike, while a peak is its best moment. `OMP_NUM_THREADS` says how many threads both have.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.options import add_device, add_precision, add_size, new_parser
from benchmarks.trainer.contenders import Given, give, stage_job
from benchmarks.trainer.measuring import Products, counted_flops, square_products, synchronize
from benchmarks.trainer.work import some_work
from grice_core.cli.terminal import progress_bars
from grice_core.dpo.schedules import step_batches
from grice_core.dpo.train import StageTrainer
from grice_core.pipeline.preparing import prepare_stage
from grice_core.progress import Progress, Reporter

NUM_PAIRS = 64


@dataclass(frozen=True)
class Turn:
    """A step and the products after it, FLOP/s."""

    step: float
    products: Products

    @property
    def share(self) -> float:
        """Of what products kept up."""
        return self.step / self.products.average


def main() -> None:
    parser = new_parser(__doc__)
    add_size(parser)
    add_precision(parser, "fp32", "bf16")
    parser.add_argument(
        "--turns", type=int, default=48, help="a step and products each; else %(default)s"
    )
    add_device(parser)
    arguments = parser.parse_args()
    if arguments.turns < 2:
        parser.error("--turns must be at least 2, since their spread is shown")
    with some_work(NUM_PAIRS, arguments.size, arguments.precision, arguments.device) as work:
        given = give(work, lambda _model: None)
        with progress_bars() as progress:
            prepared = prepare_stage(given.base, stage_job(given), Reporter(progress))
            turns = list(_turns(given, prepared.trainer, arguments.turns, progress))
    _show(turns)


def _turns(
    given: Given, trainer: StageTrainer, num_turns: int, progress: Progress
) -> Iterator[Turn]:
    per_step = given.work.stage.pairs_per_step
    batches = step_batches(NUM_PAIRS, per_step, NUM_PAIRS // per_step, seed=0)
    flops: list[int] = []
    for number, batch in enumerate(batches):
        with counted_flops() as counter:
            trainer.take_step(batch, number, len(batches), seed=0)
        flops.append(counter.get_total_flops())
    for turn in range(num_turns):
        number = turn % len(batches)
        started = time.perf_counter()
        trainer.take_step(batches[number], number, len(batches), seed=0)
        synchronize(given.device)
        seconds = time.perf_counter() - started
        products = square_products(given.device, given.dtype, seconds)
        progress("turns", turn + 1, num_turns)
        yield Turn(flops[number] / seconds, products)


def _show(turns: list[Turn]) -> None:
    shares = np.array([turn.share for turn in turns])
    steps = np.mean([turn.step for turn in turns])
    average = np.mean([turn.products.average for turn in turns])
    peak = max(turn.products.peak for turn in turns)
    error = shares.std(ddof=1) / len(shares) ** 0.5
    print(
        f"{torch.get_num_threads()} threads, {len(turns)} turns, GFLOP/s: steps {steps / 1e9:.0f}; "
        f"products {average / 1e9:.0f} on average, {peak / 1e9:.0f} at their best"
    )
    print(f"steps reach {shares.mean():.1%} ± {error:.1%} of what products keep up meanwhile")
    print(f"of the best: steps {steps / peak:.0%}, products themselves {average / peak:.0%}")


if __name__ == "__main__":
    main()
