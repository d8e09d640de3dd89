"""Files of pairs that look like the real ones, made by rule."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from grice_core.maxims import MAXIMS

NUM_PAIRS = 400


def pair_rows(num: int = NUM_PAIRS, seed: int = 0) -> list[dict[str, Any]]:
    """Scored pairs: small noise in every margin, a strong one in one maxim of every other pair."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(0, 0.05, (num, len(MAXIMS)))
    strong = rng.integers(0, len(MAXIMS), num)
    margins[np.arange(0, num, 2), strong[::2]] += rng.uniform(0.2, 0.8, len(strong[::2]))
    chosen = np.clip(0.5 - margins / 2, 0, 1).round(4)
    rejected = np.clip(0.5 + margins / 2, 0, 1).round(4)
    return [
        {
            "prompt": f"Context: We talked about bridge {row // 2}.\nGenerate a cooperative response:",
            "chosen": f"Bridge {row} is made of steel, and opened in {1900 + row % 100}.",
            "rejected": f"Bridge {row} is nice. By the way, my cat likes fish.",
            "chosen_scores": dict(zip(MAXIMS, chosen[row].tolist(), strict=True)),
            "rejected_scores": dict(zip(MAXIMS, rejected[row].tolist(), strict=True)),
        }
        for row in range(num)
    ]


def write_pairs_file(path: Path, num: int = NUM_PAIRS, seed: int = 0) -> Path:
    """A JSON file of scored pairs."""
    path.write_text(json.dumps(pair_rows(num, seed)))
    return path


def write_unscored_file(path: Path) -> Path:
    """A JSON file of 20 unscored pairs, the first 12 with prompts that `write_pairs_file` has too."""
    rows = [
        {
            "prompt": f"Context: We talked about bridge {row if row < 12 else row + 1000}.\n"
            "Generate a cooperative response:",
            "chosen": "It is long.",
            "rejected": "It is a bridge, and it is long, and it is a bridge.",
        }
        for row in range(20)
    ]
    path.write_text(json.dumps(rows))
    return path
