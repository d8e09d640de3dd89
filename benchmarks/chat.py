"""Chat models as TRL trains them: the same token ids of conversations, the same losses step by step.

python -m benchmarks.chat [--base FOLDER] [--steps 20] [--json]

For each chat template a set of conversations (one turn and several, system turns, tools that are called) is
written to a file, read by this package and by TRL's `DPOTrainer`, and trained on in fp32 from the same
adapter, in the same order. Without `--base` the templates are ours and the model is a tiny random Llama.
"""

import argparse
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.beside_trl import PAIRS_PER_STEP, stage, train_ours, train_theirs
from benchmarks.options import add_json, new_parser
from grice_core.chat.choice import FormatChoice
from grice_core.data.load import load_pairs
from grice_core.dpo.base import BaseModel, load_base
from grice_core.dpo.encode import EncodedPair, encode_pairs
from grice_core.dpo.schedules import step_batches
from tests.chat import made
from tests.dpo import tiny

TEMPLATES = {
    "ChatML": made.CHATML,
    "Llama-3": made.LLAMA,
    "Gemma": made.GEMMA,
    "Mistral": made.MISTRAL,
    "with tools": made.WITH_TOOLS,
    "no generation prompt": made.NO_GENERATION_PROMPT,
    "thoughts not kept": made.FORGETS_THOUGHTS,
    "empty thought": made.EMPTY_THOUGHT,
}
WITHOUT_SYSTEM = ("Gemma", "Mistral")
_WORDS = [
    "the",
    "ferry",
    "leaves",
    "at",
    "nine",
    "from",
    "pier",
    "two",
    "and",
    "tickets",
    "are",
    "sold",
    "on",
    "board",
    "every",
    "day",
]
_CALL = {"type": "function", "function": {"name": "timetable", "arguments": {"pier": "two"}}}
_TOOL = {
    "type": "function",
    "function": {
        "name": "timetable",
        "description": "When a ferry leaves.",
        "parameters": {"type": "object", "properties": {"pier": {"type": "string"}}},
    },
}


@dataclass(frozen=True)
class Comparison:
    """How ours and TRL's agree on one template."""

    template: str
    num_pairs: int
    num_tokens: int
    """Of all prompts and responses."""
    same_ids: int
    """Pairs whose prompt and both responses have the same token ids."""
    num_steps: int
    first_loss: float
    last_loss: float
    """TRL's."""
    largest_difference: float
    """Of a step's loss."""
    largest_adapter_difference: float
    """Of any number in the adapter, after the last step."""


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--base", help="folder or hub id of a base with a chat template")
    parser.add_argument("--steps", type=int, default=20, help="of four pairs; else %(default)s")
    add_json(parser)
    arguments = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"
    warnings.simplefilter("ignore")  # TRL and the libraries below warn each other
    logging.disable(logging.WARNING)
    found = [_compare(name, base, arguments.steps) for name, base in _bases(arguments)]
    if arguments.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        _show(found)


def _bases(arguments: argparse.Namespace) -> Iterator[tuple[str, BaseModel]]:
    if arguments.base:
        yield arguments.base, load_base(arguments.base, torch.device("cpu"))
        return
    for name, template in TEMPLATES.items():
        tokenizer = made.tokenizer(template, opens=True, pad_token=made.EOS)
        model = tiny.architecture(
            "llama", vocab_size=len(tokenizer), max_position_embeddings=2048, pad_token_id=None
        )
        yield name, BaseModel(name, model, tokenizer)


def _compare(name: str, base: BaseModel, num_steps: int) -> Comparison:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["GRICE_HOME"] = str(home / "home")
        rows = list(conversations(num_steps * PAIRS_PER_STEP, name))
        (home / "pairs.json").write_text(json.dumps(rows))
        table = load_pairs(home / "pairs.json").table
        form = FormatChoice("chat").of(base.tokenizer)
        pairs = list(encode_pairs(table, base.tokenizer, 2048, form).pairs.values())
        order = np.concatenate(step_batches(len(pairs), PAIRS_PER_STEP, num_steps, seed=0))
        settings = stage(num_steps)
        theirs = train_theirs(base, [rows[place] for place in order], settings, home)
        ours = train_ours(base, table, settings, home)
    ids = [_ids(pairs[place]) for place in order]
    differences = np.abs(np.array(ours.losses) - np.array(theirs.losses))
    return Comparison(
        template=name,
        num_pairs=len(pairs),
        num_tokens=sum(len(part) for pair in ids for part in pair),
        same_ids=sum(own == other for own, other in zip(ids, theirs.ids, strict=True)),
        num_steps=num_steps,
        first_loss=theirs.losses[0],
        last_loss=theirs.losses[-1],
        largest_difference=float(differences.max()),
        largest_adapter_difference=max(
            float((own - other).abs().max())
            for own, other in zip(ours.adapter, theirs.adapter, strict=True)
        ),
    )


def conversations(num_pairs: int, template: str) -> Iterator[dict[str, Any]]:
    """Scored pairs in TRL's conversational form; every weight is 1."""
    draw = np.random.default_rng(0)

    def words() -> str:
        return " ".join(draw.choice(_WORDS, draw.integers(3, 13)))

    def turn(role: str, content: str) -> dict[str, Any]:
        return {"role": role, "content": content}

    for number in range(num_pairs):
        prompt = [turn("user", words())]
        if number % 3 == 1:
            thought = f"<think>{words()}</think>" if number % 2 else ""
            prompt += [turn("assistant", thought + words()), turn("user", words())]
        if number % 5 == 3 and template == "with tools":
            prompt += [turn("assistant", "") | {"tool_calls": [_CALL]}, turn("tool", words())]
        if number % 4 == 2 and template not in WITHOUT_SYSTEM:
            prompt = [turn("system", words()), *prompt]
        better, worse = [turn("assistant", words())], [turn("assistant", words())]
        yield {
            "prompt": prompt,
            "chosen": better,
            "rejected": worse,
            "tools": [_TOOL] if number % 5 == 3 else None,
            "chosen_scores": dict.fromkeys(("quantity", "quality", "relation", "manner"), 0.0),
            "rejected_scores": dict.fromkeys(("quantity", "quality", "relation", "manner"), 1.0),
        }


def _ids(pair: EncodedPair) -> tuple[list[int], ...]:
    return list(pair.prompt), list(pair.chosen), list(pair.rejected)


def _show(found: list[Comparison]) -> None:
    print(
        f"{'':22}{'pairs':>6}{'same ids':>10}{'tokens':>9}{'steps':>7}{'loss':>18}{'off by':>10}{'adapter':>10}"
    )
    for each in found:
        loss = f"{each.first_loss:.4f} → {each.last_loss:.4f}"
        print(
            f"{each.template[-21:]:22}{each.num_pairs:>6}{each.same_ids:>10}{each.num_tokens:>9,}"
            f"{each.num_steps:>7}{loss:>18}{each.largest_difference:>10.1e}"
            f"{each.largest_adapter_difference:>10.1e}"
        )


if __name__ == "__main__":
    main()
