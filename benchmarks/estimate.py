"""How good the estimate is: what it says of a stage, and what the stage then takes.

python -m benchmarks.estimate [--pairs 32] [--size small|medium] [--precision fp32|bf16]
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.trainer.contenders import base_of, give, stage_job
from benchmarks.trainer.work import Work, write_pairs
from grice_core.memory import peak_bytes
from grice_core.pipeline.config import Reporter
from grice_core.pipeline.pace import measure_pace, stage_seconds
from grice_core.pipeline.preparing import encode_stage
from grice_core.pipeline.training import train_stage


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=32)
    parser.add_argument("--size", choices=("small", "medium"), default="small")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--device", default="auto")
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
        )
        print(f"GPT-2 {work.size}, {work.precision}, {work.num_pairs} {origin}")
        given = give(work, lambda _: None)
        base, job = base_of(given), stage_job(given)
        encoded = encode_stage(base, job, Reporter())

        started = time.perf_counter()
        said = stage_seconds(measure_pace(base, job, encoded, Reporter()), job, encoded)
        memory = peak_bytes(given.device)
        print(f"estimated  {said:7.1f} s {memory / 2**20:9,.0f} MiB", flush=True)
        print(f"           (after {time.perf_counter() - started:.1f} s of measuring)", flush=True)

        started = time.perf_counter()
        train_stage(base, job, Reporter())
        took, peak = time.perf_counter() - started, peak_bytes(given.device)
        print(f"in truth   {took:7.1f} s {peak / 2**20:9,.0f} MiB")
        print(f"off by     {said / took - 1:+7.0%}   {memory / peak - 1:+9.0%}")


if __name__ == "__main__":
    main()
