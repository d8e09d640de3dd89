"""Each objective beside TRL's of the same name: the same losses step by step, and the same adapter.

python -m benchmarks.objectives [--steps 20] [--json]

Four pairs a step, whose weights are all 1, on a tiny random Llama in fp32; needs TRL 1.16.
"""

import argparse
import json
import logging
import os
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.beside_trl import PAIRS_PER_STEP, stage, train_ours, train_theirs
from benchmarks.chat import conversations
from benchmarks.options import add_json, new_parser
from grice_core.chat.choice import FormatChoice
from grice_core.data.load import load_pairs
from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.schedules import step_batches
from grice_core.objectives import OBJECTIVES
from tests.chat import made
from tests.dpo import tiny

SETTINGS: dict[str, dict[str, Any]] = {
    "ipo": {"beta": 0.5},  # whose loss starts from 1 / (4β²)
    "robust": {"label_smoothing": 0.1},
    "sigmoid_norm": {"beta": 2.0},
}
"""What an objective is tried with besides the stage's usual settings."""
SFT_WEIGHT = 0.5


@dataclass(frozen=True)
class Comparison:
    """How ours and TRL's agree on one loss."""

    loss: str
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
    parser.add_argument("--steps", type=int, default=20, help="of four pairs; else %(default)s")
    add_json(parser)
    arguments = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"
    warnings.simplefilter("ignore")  # TRL and the libraries below warn each other
    logging.disable(logging.WARNING)
    found = [_compare(settings, arguments.steps) for settings in _losses()]
    _print(found, arguments)


def _losses() -> list[dict[str, Any]]:
    """Every objective, alone and with the SFT term."""
    alone = [{"loss_type": name} | SETTINGS.get(name, {}) for name in OBJECTIVES]
    return [*alone, *(settings | {"sft_weight": SFT_WEIGHT} for settings in alone)]


def _compare(settings: dict[str, Any], num_steps: int) -> Comparison:
    tokenizer = made.tokenizer(made.CHATML, opens=True, pad_token=made.EOS)
    model = tiny.architecture(
        "llama", vocab_size=len(tokenizer), max_position_embeddings=2048, pad_token_id=None
    )
    base, config = BaseModel("tiny", model, tokenizer), stage(num_steps, **settings)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["GRICE_HOME"] = str(home / "home")
        rows = list(conversations(num_steps * PAIRS_PER_STEP, "ChatML"))
        (home / "pairs.json").write_text(json.dumps(rows))
        table = load_pairs(home / "pairs.json").table
        form = FormatChoice("chat").of(tokenizer)
        num_pairs = len(encode_pairs(table, tokenizer, config.max_length, form).pairs)
        order = np.concatenate(step_batches(num_pairs, PAIRS_PER_STEP, num_steps, seed=0))
        theirs = train_theirs(base, [rows[place] for place in order], config, home)
        ours = train_ours(base, table, config, home)
    differences = np.abs(np.array(ours.losses) - np.array(theirs.losses))
    return Comparison(
        loss=config.loss,
        num_steps=num_steps,
        first_loss=theirs.losses[0],
        last_loss=theirs.losses[-1],
        largest_difference=float(differences.max()),
        largest_adapter_difference=max(
            float((own - other).abs().max())
            for own, other in zip(ours.adapter, theirs.adapter, strict=True)
        ),
    )


def _print(found: list[Comparison], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
        return
    print(f"{'':42}{'steps':>6}{'loss':>20}{'off by':>10}{'adapter':>10}")
    for each in found:
        loss = f"{each.first_loss:.4f} → {each.last_loss:.4f}"
        print(
            f"{each.loss:42}{each.num_steps:>6}{loss:>20}{each.largest_difference:>10.1e}"
            f"{each.largest_adapter_difference:>10.1e}"
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
