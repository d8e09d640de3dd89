"""Dialogues whose violations a network of a few thousand parameters can learn."""

import json
from pathlib import Path
from typing import Any

from grice_core.maxims import MAXIMS

WORD_OF = dict(zip(MAXIMS, ("yes", "dogs", "sun", "blue", "old"), strict=False))
"""A response with this word violates the maxim."""
FILLERS = ("on the mat", "it is warm", "they sleep", "in the old")


def _rows(num_dialogues: int, first: int = 0) -> list[dict[str, Any]]:
    rows = []
    for i in range(first, first + num_dialogues):
        maxim = MAXIMS[i % len(MAXIMS)]
        clean, violating = FILLERS[i % 3], f"{FILLERS[i % 3]} {WORD_OF[maxim]}"
        context = f"where do cats sleep {'one two ' * (i % 7)} {i}"
        rows.append({"context": context, "id": i, "maxim": maxim, "responses": (clean, violating)})
    return rows


def write_labels(path: Path, num_dialogues: int = 120, first: int = 0) -> Path:
    """Two labelled texts a dialogue: a cooperative one and one that violates one maxim.

    Args:
        first: number of the first dialogue; from other numbers come other texts.
    """
    labelled = [
        {
            "context": row["context"],
            "response": response,
            "labels": {m: int(violates and m == row["maxim"]) for m in MAXIMS},
            "original_id": f"t_{row['id']}",
        }
        for row in _rows(num_dialogues, first)
        for violates, response in enumerate(row["responses"])
    ]
    path.write_text(json.dumps(labelled))
    return path


def write_pairs(path: Path, num_pairs: int = 120) -> Path:
    """Scored pairs: 0.1 on every maxim, but 0.9 where the response violates it."""
    pairs = [
        {
            "prompt": row["context"],
            "chosen": row["responses"][0],
            "rejected": row["responses"][1],
            "chosen_scores": dict.fromkeys(MAXIMS, 0.1),
            "rejected_scores": {m: 0.9 if m == row["maxim"] else 0.1 for m in MAXIMS},
        }
        for row in _rows(num_pairs)
    ]
    path.write_text(json.dumps(pairs))
    return path
