"""See the package."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import benchmarks.real as package
from benchmarks.options import add_device, add_json, new_parser
from benchmarks.real.commands import WIDTH, Printed
from benchmarks.real.packages import PINS
from benchmarks.real.steps import RECIPE, Rates, RealData, Workshop
from grice_core.errors import GriceError, InterruptedRunError

if TYPE_CHECKING:
    from grice_core.kernels.precision import Precision  # whose module loads torch

LIMITS_ANSWERS = 8
"""To each prompt, where none is named: as many as rounds draw."""
DATA = Path(__file__).parents[3] / "shared" / "data" / "gricebench"


def main() -> None:
    parser = _parser()
    arguments = parser.parse_args()
    answers = arguments.answers or (LIMITS_ANSWERS if arguments.limits else 1)
    if answers < (2 if arguments.limits else 1):
        parser.error("--answers: at least 1, with --limits 2")
    workshop = Workshop(
        arguments.out,
        RealData(arguments.data),
        arguments.device,
        tuple(arguments.changes),
        arguments.recipe,
        arguments.second_judge,
        answers,
    )
    precisions: list[Precision] = arguments.precision or ["fp32", "bf16"]
    failed: list[str] = []
    found: Mapping[str, object]
    try:
        _prepare(workshop, arguments.json)
        if arguments.limits:
            found = _limits(workshop, precisions, arguments.json)
        else:
            found, failed = _measure(workshop, precisions, arguments.json)
    except GriceError as error:
        print(f"benchmarks.real: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if arguments.json:
        print(json.dumps(found, indent=2))
    sys.exit(1 if failed else 0)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(package.__doc__)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("out/benchmark-real"),
        help="folder for base, detector and results; else %(default)s",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DATA,
        help="folder of scored_pairs.json, unscored_pairs.json and detector_labels.json; "
        "else ../shared/data/gricebench",
    )
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16"),
        action="append",
        help="may be given twice; else both",
    )
    parser.add_argument(
        "--set",
        dest="changes",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="override a field of the recipe, such as stage1.num_steps=4; may be given often",
    )
    parser.add_argument(
        "--recipe",
        default=RECIPE,
        help="built-in, or a file such as benchmarks/real/own.yaml; else %(default)s",
    )
    parser.add_argument(
        "--second-judge",
        type=Path,
        metavar="DETECTOR",
        help="folder of another detector, which judges all answers too",
    )
    parser.add_argument(
        "--answers",
        type=int,
        metavar="K",
        help=f"of each model to each prompt; else 1, with --limits {LIMITS_ANSWERS}",
    )
    parser.add_argument(
        "--limits",
        action="store_true",
        help="train no stage; show what judges and data allow at all: ceiling, reach and power",
    )
    add_device(parser)
    add_json(parser)
    return parser


def _prepare(workshop: Workshop, only_json: bool) -> None:
    """Base and detector, unless they are there.

    Raises: GriceError.
    """
    workshop.check()
    workshop.out.mkdir(parents=True, exist_ok=True)
    workshop.make_base()
    _show(f"detector, from {PINS[1]}", workshop.make_detector(), only_json)


def _limits(
    workshop: Workshop, precisions: list["Precision"], only_json: bool
) -> dict[str, object]:
    """What judges and data allow, by precision.

    Raises: GriceError.
    """
    from benchmarks.real.limits import find_limits  # torch, which the other commands need not load
    from benchmarks.real.limits_tables import show

    found: dict[str, object] = {}
    for precision in precisions:
        limits = find_limits(workshop, precision, workshop.num_answers)
        found[precision] = limits.document()
        if not only_json:
            print(f"== {precision}, {PINS[0]}", flush=True)
            show(Console(width=WIDTH), limits)
    return found


def _measure(
    workshop: Workshop, precisions: list["Precision"], only_json: bool
) -> tuple[dict[str, Rates], list[str]]:
    """The rates by precision, and which precisions failed.

    Raises: InterruptedRunError, if a stop was asked for.
    """
    found: dict[str, Rates] = {}
    failed: list[str] = []
    for precision in precisions:
        try:
            printed = workshop.run_pipeline(precision)
        except InterruptedRunError:
            raise
        except GriceError as error:
            print(f"benchmarks.real: {precision}: {error}", file=sys.stderr)
            failed.append(precision)
            continue
        found[precision] = workshop.rates(precision)
        _show(f"{precision}, {PINS[0]}", printed, only_json)
    return found, failed


def _show(title: str, printed: Printed, only_json: bool) -> None:
    """What a command printed, and what it cost."""
    if not only_json:
        print(f"== {title}: {printed.cost or 'cost not known'}\n{printed.text}", flush=True)


if __name__ == "__main__":
    main()
