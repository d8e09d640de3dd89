"""Small data files made by hand."""

import json
from pathlib import Path
from typing import Any

from grice_core.maxims import MAXIMS

GOOD = {"quantity": 0.1, "quality": 0.2, "relation": 0.3, "manner": 0.4}
BAD = {"quantity": 0.9, "quality": 0.2, "relation": 0.8, "manner": 0.4}


def pair(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A scored pair; a changed field that is `...` is left out."""
    fields = {
        "prompt": f"prompt {number}",
        "chosen": f"chosen {number}",
        "rejected": f"rejected {number}",
        "chosen_scores": dict(GOOD),
        "rejected_scores": dict(BAD),
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not ...}


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """The pair with each score in a field of its own."""
    rest = {name: value for name, value in record.items() if not name.endswith("_scores")}
    scores = {
        f"{side}_{maxim}": record[f"{side}_scores"][maxim]
        for side in ("chosen", "rejected")
        for maxim in MAXIMS
    }
    return {**rest, **scores}


def json_file(folder: Path, *rows: Any, name: str = "pairs.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(rows))
    return path


def json_lines_file(folder: Path, *rows: Any, name: str = "pairs.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
