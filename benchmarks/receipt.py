"""How often `grice verify` is right, and what it costs: honest and edited folders of the demo's pipeline.

    python -m benchmarks.receipt [--count 100] [--pipelines 1] [--pairs 2500] [--forged] [--json]

Runs the demo once for each seed, then verifies its folders: as they are, so often as asked (each look draws other
answers), and with one edit each: a rate, an answer, a loss, a swapped adapter, an edited pair file, in turn, at
random places. With `--forged` the receipt is written anew after each edit, so that only what contradicts other numbers, or is
derived again, can be caught.
"""

import json
import shutil
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from benchmarks.options import add_json, new_parser
from benchmarks.quiet import hush
from grice_core.demo.project import NUM_PAIRS
from grice_core.demo.run import DATA_FOLDER, DemoConfig, run_demo
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.receipt import write_receipt
from grice_core.pipeline.reopening import Places
from grice_core.verify.run import Verification, verify

STAGES = ("stage1", "stage2")
Edit = Callable[[Path, Random], None]


def main() -> None:
    """The command."""
    parser = new_parser(__doc__)
    parser.add_argument(
        "--count", type=int, default=100, help="folders of each sort; else %(default)s"
    )
    parser.add_argument("--pipelines", type=int, default=1, help="demo runs; else %(default)s")
    parser.add_argument(
        "--pairs", type=int, default=NUM_PAIRS, help="of the demo; else %(default)s"
    )
    parser.add_argument(
        "--forged", action="store_true", help="write the receipt anew after an edit"
    )
    add_json(parser)
    asked = parser.parse_args()
    hush()
    with tempfile.TemporaryDirectory() as scratch:
        folders = []
        for seed in range(asked.pipelines):
            folders.append(Path(scratch) / f"demo-{seed}")
            run_demo(DemoConfig(folders[-1], seed=seed, num_pairs=asked.pairs))
        result = measured(folders, Path(scratch) / "edited", asked.count, forged=asked.forged)
    if asked.json:
        print(json.dumps(result, indent=2))
    else:
        Console().print(sentences(result))


def measured(folders: list[Path], edited: Path, count: int, *, forged: bool) -> dict[str, Any]:
    """Verify honest and edited folders."""
    honest = [_verified(folders[number % len(folders)], number) for number in range(count)]
    caught: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for number in range(count):
        name = sorted(EDITS)[number % len(EDITS)]
        shutil.rmtree(edited, ignore_errors=True)
        shutil.copytree(folders[number % len(folders)], edited)
        EDITS[name](edited, Random(number))
        if forged:
            write_receipt(OutputFolder(edited), STAGES)
        tried[name] += 1
        caught[name] += not _verified(edited, number).holds
    seconds = statistics.median(each.seconds for each in honest)
    return {
        "honest": {"tried": count, "hold": sum(each.holds for each in honest)},
        "edited": {name: {"tried": tried[name], "caught": caught[name]} for name in sorted(tried)},
        "forged": forged,
        "seconds": seconds,
        "pipeline_s": honest[0].pipeline_s,
        "share": seconds / honest[0].pipeline_s,
        "problems": [
            problem for each in honest for check in each.checks for problem in check.problems
        ],
    }


def _verified(folder: Path, seed: int) -> Verification:
    """With the data that lies in the folder itself."""
    data = folder / DATA_FOLDER
    return verify(folder, Places(data / "pairs.json", data / "prompts.json"), draw=Random(seed))


def sentences(result: dict[str, Any]) -> str:
    """For people."""
    honest, edited = result["honest"], result["edited"]
    kinds = ", ".join(
        f"{name} {each['caught']} of {each['tried']}" for name, each in edited.items()
    )
    return (
        f"honest: {honest['hold']} of {honest['tried']} hold\n"
        f"edited{' with a new receipt' if result['forged'] else ''}: caught {kinds}\n"
        f"{result['seconds']:.2f} s, {result['share']:.1%} of the pipeline's {result['pipeline_s']:.0f} s"
    )


def _line(path: Path, draw: Random, change: Callable[[dict[str, Any]], None]) -> None:
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    number = draw.randrange(len(lines))
    record = json.loads(lines[number])
    change(record)
    lines[number] = json.dumps(record, ensure_ascii=False)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def edit_rate(folder: Path, draw: Random) -> None:
    """Half a point better."""
    path = folder / "multistage_results.json"
    document = json.loads(path.read_text())
    document["stage2_final"][draw.choice(("quantity", "relation", "manner"))] -= 0.5
    path.write_text(json.dumps(document, indent=2) + "\n")


def edit_answer(folder: Path, draw: Random) -> None:
    """One more word."""
    _line(
        folder / "generations.jsonl",
        draw,
        lambda line: line.update(response=f"{line['response']} ok"),
    )


def edit_loss(folder: Path, draw: Random) -> None:
    """1 % better."""
    path = folder / draw.choice(STAGES) / "history.jsonl"
    _line(path, draw, lambda line: line.update(loss=0.99 * line["loss"]))


def edit_adapter(folder: Path, draw: Random) -> None:  # noqa: ARG001
    """Stage 1's in the place of stage 2's."""
    shutil.rmtree(folder / "stage2" / "final_model")
    shutil.copytree(folder / "stage1" / "final_model", folder / "stage2" / "final_model")


def edit_pairs(folder: Path, draw: Random) -> None:
    """One pair the other way around."""
    path = folder / DATA_FOLDER / "pairs.json"
    pairs = json.loads(path.read_text())
    pair = draw.choice(pairs)
    chosen = "chosen" if "chosen" in pair else "chosen_response"
    rejected = "rejected" if "rejected" in pair else "rejected_response"
    pair[chosen], pair[rejected] = pair[rejected], pair[chosen]
    path.write_text(json.dumps(pairs))


EDITS: dict[str, Edit] = {
    "a rate": edit_rate,
    "an answer": edit_answer,
    "a loss": edit_loss,
    "an adapter": edit_adapter,
    "the pair file": edit_pairs,
}


if __name__ == "__main__":
    main()
