"""What the benchmarks' command lines have in common."""

import argparse

from grice_core.pipeline.options import option as pipeline_option


def new_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose `--help` begins with this text, line by line."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_size(parser: argparse.ArgumentParser) -> None:
    """`--size`, a shape of GPT-2 or Llama."""
    parser.add_argument(
        "--size",
        choices=("small", "medium", "llama"),
        default="small",
        help="GPT-2's shape, or Llama's with half a billion parameters; else %(default)s",
    )


def add_precision(parser: argparse.ArgumentParser, *choices: str) -> None:
    """`--precision`, by default the first of these."""
    parser.add_argument(
        "--precision",
        choices=choices,
        default=choices[0],
        help="that everything is computed in; else %(default)s",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """`--device`, as torch names it."""
    parser.add_argument(
        "--device", default="auto", help="cpu, cuda or cuda:1; else a GPU if there is one"
    )


def add_memory_options(parser: argparse.ArgumentParser) -> None:
    """`--base-dtype` and `--gradient-checkpointing`, as `grice pipeline` has them."""
    for option in map(pipeline_option, ("base_dtype", "gradient_checkpointing")):
        parser.add_argument(
            option.flag, choices=option.choices, default=option.default, help=option.about.help
        )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`, for anyone who reads figures by a program."""
    parser.add_argument("--json", action="store_true", help="print JSON, and no table")
