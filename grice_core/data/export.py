"""Pairs written for others: the default JSON layout, and JSONL that TRL trains on.

Conversational pairs are written with their messages, in TRL's form with an explicit prompt.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson

from grice_core.data.conversation_column import TOOLS, as_json
from grice_core.data.extras import extra_rows
from grice_core.data.fields import SIDES
from grice_core.data.filters import FilterResult
from grice_core.data.messages import as_tools, as_turns
from grice_core.data.pairs import TEXT_FIELDS, PairTable
from grice_core.errors import OutputError
from grice_core.files import atomic_writer
from grice_core.maxims import MAXIMS
from grice_core.progress import Progress, silent

DROP_REASON = "drop_reason"
"""The field that says why a stage dropped a pair."""
_BLOCK = 10_000
_ROLES = {"prompt": "user"} | dict.fromkeys(SIDES, "assistant")


@dataclass(frozen=True)
class SplitFiles:
    """Where a stage's kept and dropped pairs are written; each has a `.jsonl` beside it."""

    train: Path
    dropped: Path

    @classmethod
    def of(cls, folder: Path, stem: str) -> Self:
        """For the stem `stage1_content`: `stage1_content_train.json`, `stage1_content_dropped.json`."""
        return cls(folder / f"{stem}_train.json", folder / f"{stem}_dropped.json")

    def all(self) -> tuple[Path, ...]:
        """The files that `export_split` writes where there are kept and dropped pairs."""
        jsons = (self.train, self.dropped)
        return (*jsons, *(path.with_suffix(".jsonl") for path in jsons))


def export_split(
    files: SplitFiles, table: PairTable, filtered: FilterResult, progress: Progress = silent
) -> list[Path]:
    """Write what a stage keeps and what it drops, the latter with the `drop_reason` of each pair.

    The folder is made if need be; older files of these names are replaced, each at once. Where there are
    no pairs there is no file: `datasets` can't load one without rows.

    Returns:
        The files that were written.

    Raises:
        OutputError: The folder can't be written to.
    """
    sides = (
        (files.train, table.take(filtered.kept), None),
        (files.dropped, table.take(~filtered.kept), filtered.drop_reasons()),
    )
    try:
        files.train.parent.mkdir(parents=True, exist_ok=True)
        for path, pairs, reasons in sides:
            lines = path.with_suffix(".jsonl")
            if len(pairs):
                write_json(path, pairs, reasons, progress)
                write_trl_jsonl(lines, pairs, reasons, progress)
            else:
                path.unlink(missing_ok=True)
                lines.unlink(missing_ok=True)
        return [path for path in files.all() if path.exists()]
    except OSError as error:
        raise OutputError(
            f"{files.train.parent} can't be written to ({error.strerror}); choose another folder"
        ) from error


def write_json(
    path: Path,
    table: PairTable,
    drop_reasons: Sequence[str] | None = None,
    progress: Progress = silent,
) -> None:
    """Write pairs in the default layout: a list of objects with texts, scores, data margins, extras.

    An unscored pair has none of the score fields.
    """
    with atomic_writer(path) as file:
        separator = b"[\n"
        for record in _records(path, table, drop_reasons, progress):
            file.write(separator + b"  " + _encode(record, indent=True).replace(b"\n", b"\n  "))
            separator = b",\n"
        file.write(b"\n]\n" if len(table) else b"[]\n")


def write_jsonl(path: Path, table: PairTable, progress: Progress = silent) -> None:
    """Write pairs as `write_json` does, one object per line."""
    with atomic_writer(path) as file:
        for record in _records(path, table, None, progress):
            file.write(_encode(record) + b"\n")


def write_trl_jsonl(
    path: Path,
    table: PairTable,
    drop_reasons: Sequence[str] | None = None,
    progress: Progress = silent,
) -> None:
    """Write pairs as TRL's `DPOTrainer` takes them: one object per line, one type per field.

    Beside conversational pairs, plain ones become conversations of one turn a side. The scores stand in
    flat fields (`chosen_quantity` …), null where unscored. Fields that we don't know are left out: TRL
    gives a meaning to some names, and `datasets` wants one type per field.
    """
    has_messages = table.messages is not None
    has_tools = has_messages and TOOLS in table.extras.column_names
    with atomic_writer(path) as file:
        for record in _records(path, table, drop_reasons, progress):
            flat = {name: record[name] for name in TEXT_FIELDS}
            if has_messages:
                flat = {name: as_turns(flat[name], _ROLES[name]) for name in TEXT_FIELDS}
            if has_tools:
                flat[TOOLS] = as_tools(record.get(TOOLS)) or None
            for side in SIDES:
                scores = record.get(f"{side}_scores", {})
                flat |= {f"{side}_{maxim}": scores.get(maxim) for maxim in MAXIMS}
            if drop_reasons is not None:
                flat[DROP_REASON] = record[DROP_REASON]
            file.write(_encode(flat) + b"\n")


def _records(
    path: Path, table: PairTable, drop_reasons: Sequence[str] | None, progress: Progress
) -> Iterator[dict[str, Any]]:
    """Pairs in the default layout, made block by block, so that a large table fits in memory."""
    for start in range(0, len(table), _BLOCK):
        progress(path.name, start, len(table))
        stop = min(start + _BLOCK, len(table))
        records = _block(table.take(np.arange(start, stop)))
        if drop_reasons is not None:
            reasons = drop_reasons[start:stop]
            records = (
                record | {DROP_REASON: reason}
                for record, reason in zip(records, reasons, strict=True)
            )
        yield from records
    progress(path.name, len(table), len(table))


def _block(pairs: PairTable) -> Iterable[dict[str, Any]]:
    columns = zip(
        _contents(pairs),
        pairs.chosen_scores.tolist(),
        pairs.rejected_scores.tolist(),
        pairs.margins.tolist(),
        pairs.scored.tolist(),
        extra_rows(pairs.extras),
        strict=True,
    )
    for record, chosen_scores, rejected_scores, margins, scored, extra in columns:
        if scored:
            record["chosen_scores"] = _by_maxim(chosen_scores)
            record["rejected_scores"] = _by_maxim(rejected_scores)
            record["margins"] = _by_maxim(margins)
            record["avg_margin"] = sum(margins) / len(margins)
        taken = {*record, DROP_REASON}
        yield record | {name: value for name, value in extra.items() if name not in taken}


def _contents(pairs: PairTable) -> Iterator[dict[str, Any]]:
    """Prompt, chosen and rejected of each pair: lists of messages where it has some, else texts."""
    texts = zip(pairs.prompts, pairs.chosen, pairs.rejected, strict=True)
    for conversation, row in zip(pairs.conversations, texts, strict=True):
        if conversation is None:
            yield dict(zip(TEXT_FIELDS, row, strict=True))
        else:
            yield {name: list(messages) for name, messages in as_json(conversation).items()}


def _by_maxim(values: Sequence[float]) -> dict[str, float]:
    return dict(zip(MAXIMS, values, strict=True))


def _encode(record: dict[str, Any], indent: bool = False) -> bytes:
    try:
        return orjson.dumps(record, default=str, option=orjson.OPT_INDENT_2 if indent else None)
    except TypeError:  # an extra holds an integer beyond 64 bits or half a surrogate pair
        return json.dumps(record, default=str, indent=2 if indent else None).encode()
