"""What `load_pairs` finds out about a file, found out with `datasets`; `benchmarks.ingest` runs it.

python benchmarks/ingest_datasets.py FILE CACHE

It needs nothing but `datasets`, so that it can run in an environment of its own.
"""

import hashlib
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

MAXIMS = ("quantity", "quality", "relation", "manner")
SIDES = ("chosen", "rejected")


def check(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Per row: whether it can be used, what is odd about it, and hashes that tell duplicates."""
    made: dict[str, list[Any]] = {"usable": [], "odd": [], "prompt_hash": [], "pair_hash": []}
    for index in range(len(rows["prompt"])):
        texts = [rows[name][index] for name in ("prompt", *SIDES)]
        scores = [score for side in SIDES for score in _scores(rows, side, index)]
        there = [score for score in scores if score is not None]
        right_texts = all(isinstance(text, str) and text.strip() for text in texts)
        right_scores = not there or (
            len(there) == len(scores)
            and all(math.isfinite(score) and 0 <= score <= 1 for score in there)
        )
        margins = [b - a for a, b in zip(scores[:4], scores[4:], strict=True)] if there else []
        flat = bool(margins) and all(abs(margin) < 1e-3 for margin in margins)
        made["usable"].append(right_texts and right_scores)
        made["odd"].append(int(texts[1] == texts[2]) + int(flat))
        made["prompt_hash"].append(hash_of(texts[0]))
        made["pair_hash"].append([hash_of(texts[1]), hash_of(texts[2])])
    return made


def _scores(rows: dict[str, list[Any]], side: str, index: int) -> list[Any]:
    if f"{side}_scores" in rows:
        found = rows[f"{side}_scores"][index] or {}
        return [found.get(maxim) for maxim in MAXIMS]
    return [rows[f"{side}_{maxim}"][index] for maxim in MAXIMS]


def hash_of(text: Any) -> int:
    """64 bits of a text, the same in every process."""
    return int.from_bytes(
        hashlib.blake2b(str(text).encode(), digest_size=8).digest(), "little", signed=True
    )


def main(path: Path, cache: str) -> None:
    """Print the seconds, the usable rows, and the number of warnings."""
    import datasets

    datasets.disable_progress_bars()
    kind = {"csv": "csv", "parquet": "parquet"}.get(path.suffix[1:], "json")
    started = time.perf_counter()
    loaded = datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=cache)
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256").hexdigest()
    checked = loaded.map(
        check, batched=True, num_proc=2, remove_columns=loaded.column_names
    ).with_format("numpy")
    num_odd = int(checked["odd"][:].sum())
    prompts = checked["prompt_hash"][:].tolist()
    pairs = [tuple(pair) for pair in checked["pair_hash"][:].tolist()]
    keys = Counter(zip(prompts, pairs, strict=True))
    num_duplicates = sum(count - 1 for count in keys.values())
    num_contradicted = sum(
        count
        for (prompt, (chosen, rejected)), count in keys.items()
        if chosen != rejected and (prompt, (rejected, chosen)) in keys
    )
    num_usable = int(checked["usable"][:].sum())
    seconds = time.perf_counter() - started
    print(seconds, num_usable, num_odd + num_duplicates + num_contradicted)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
