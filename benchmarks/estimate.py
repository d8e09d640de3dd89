"""How good the estimate is: what it says of a stage, and what the stage then takes.

python -m benchmarks.estimate [--pairs 32] [--size small|medium|llama] [--precision fp32|bf16] [--base-dtype nf4]
"""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.options import add_device, add_memory_options, add_precision, add_size, new_parser
from benchmarks.trainer.contenders import give, stage_job
from benchmarks.trainer.work import Work, write_pairs
from grice_core.kernels.memory import peak_bytes
from grice_core.pipeline.encoded_stage import encode_stage
from grice_core.pipeline.pace import measure_pace, stage_seconds
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.training import train_stage
from grice_core.progress import Reporter


@dataclass(frozen=True)
class Taken:
    """What a stage takes, or is said to take."""

    seconds: float
    peak_bytes: int
    looked_s: float
    """Seconds that it took to know."""


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--pairs", type=int, default=32, help="to train on; else %(default)s")
    add_size(parser)
    add_precision(parser, "auto", "fp32", "bf16")
    add_memory_options(parser)
    add_device(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs.json"
        origin = write_pairs(pairs, arguments.pairs, None)
        work = Work(
            pairs,
            arguments.pairs,
            arguments.size,
            arguments.precision,
            arguments.device,
            Path(folder) / "home",
            arguments.base_dtype,
            arguments.gradient_checkpointing,
        )
        held = (
            f"{work.precision}, base {work.base_dtype}, checkpoints {work.gradient_checkpointing}"
        )
        print(f"{work.size}, {held}, {work.num_pairs} {origin}")
        said = _alone(_estimated, work)
        print(f"estimated  {said.seconds:7.1f} s {said.peak_bytes / 2**20:9,.0f} MiB", flush=True)
        print(f"           (after {said.looked_s:.1f} s of measuring)", flush=True)
        true = _alone(_trained, work)
        print(f"in truth   {true.seconds:7.1f} s {true.peak_bytes / 2**20:9,.0f} MiB")
        off = said.seconds / true.seconds - 1, said.peak_bytes / true.peak_bytes - 1
        print(f"off by     {off[0]:+7.0%}   {off[1]:+9.0%}")


def _alone(look: Callable[[Work], Taken], work: Work) -> Taken:
    """In a process of its own, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(look, work).result()


def _estimated(work: Work) -> Taken:
    given = give(work, lambda _: None)
    base, job = given.base, stage_job(given)
    encoded = encode_stage(base, job, Reporter())
    started = time.perf_counter()
    said_s = stage_seconds(measure_pace(base, job, encoded, Reporter()), job, encoded)
    return Taken(said_s, peak_bytes(given.device), time.perf_counter() - started)


def _trained(work: Work) -> Taken:
    given = give(work, lambda _: None)
    job = stage_job(given)
    models = StageModels(str(given.folder), given.device, job.output, given.form)
    models.after(None)
    started = time.perf_counter()
    train_stage(models, job, Reporter())
    took_s = time.perf_counter() - started
    return Taken(took_s, peak_bytes(given.device), took_s)


if __name__ == "__main__":
    main()
