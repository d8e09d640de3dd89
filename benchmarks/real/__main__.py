"""See the package."""

import argparse
import json
import sys
from pathlib import Path

import benchmarks.real as package
from benchmarks.options import add_device, add_json, new_parser
from benchmarks.real.commands import Printed
from benchmarks.real.packages import PINS
from benchmarks.real.steps import Rates, RealData, Workshop
from grice_core.errors import GriceError, InterruptedRunError

DATA = Path(__file__).parents[3] / "shared" / "data" / "gricebench"


def main() -> None:
    arguments = _parser().parse_args()
    workshop = Workshop(
        arguments.out, RealData(arguments.data), arguments.device, tuple(arguments.changes)
    )
    try:
        found, failed = _measure(workshop, arguments.precision or ["fp32", "bf16"], arguments.json)
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
    add_device(parser)
    add_json(parser)
    return parser


def _measure(
    workshop: Workshop, precisions: list[str], only_json: bool
) -> tuple[dict[str, Rates], list[str]]:
    """The rates by precision, and which precisions failed.

    Raises: GriceError, if nothing can be run at all, or a stop was asked for.
    """
    workshop.check()
    workshop.out.mkdir(parents=True, exist_ok=True)
    workshop.make_base()
    _show(f"detector, from {PINS[1]}", workshop.make_detector(), only_json)
    found: dict[str, Rates] = {}
    failed = []
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
