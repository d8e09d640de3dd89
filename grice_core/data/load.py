"""A file of preference pairs, read, checked and laid out as columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from grice_core.data.conversation_column import TOOLS, with_tools
from grice_core.data.fields import require_fields
from grice_core.data.findings import find_warnings
from grice_core.data.layouts.opening import BY_LOOKS, OpenedRows, Reading, open_rows
from grice_core.data.messages import Conversation, Messages, Tools
from grice_core.data.pairs import IntArray, PairTable
from grice_core.data.part_checks import check_parts, require_text_fields
from grice_core.data.parts import (
    Part,
    PartColumns,
    join_hashes,
    join_parts,
    spooled,
    take_apart,
    unusable_rows,
)
from grice_core.data.places import find
from grice_core.data.readers import read_batches
from grice_core.data.report import Problem, ValidationReport
from grice_core.data.source import DEFAULT_LIMITS, DataFiles, Format, Limits
from grice_core.data.spool import Spool
from grice_core.data.text_fields import parse_texts
from grice_core.errors import DataError
from grice_core.nesting import NestingError
from grice_core.progress import Progress, silent


@dataclass(frozen=True, eq=False)
class LoadedPairs:
    """What a file of pairs holds."""

    table: PairTable
    """The usable pairs, in file order."""
    report: ValidationReport
    unusable: pa.Table
    """The other rows, in file order: `row` (1-based), `codes` (of its errors), `content` (the row
    as JSON text, as far as JSON can say it)."""
    format: Format
    sha256: str
    """Of the file's bytes, 64 hex digits."""
    notes: tuple[str, ...] = ()
    """Remarks about the file as a whole, one sentence each."""
    read_as: str = ""
    """The file's layout, for people."""
    reading: Reading = BY_LOOKS
    """How it was asked to be read."""

    def __repr__(self) -> str:
        return f"LoadedPairs({len(self.table)} pairs, {self.unusable.num_rows} unusable rows, {self.read_as!r})"

    @property
    def first_pair(self) -> dict[str, str]:
        """The texts of the first usable pair, by which a reader sees what was taken for what."""
        rows: list[dict[str, str]] = self.table.texts.slice(0, 1).to_pylist()
        return rows[0] if rows else {}


@dataclass(frozen=True, eq=False)
class Prompts:
    """The prompts of a file, as an evaluation uses them."""

    prompts: list[str]
    """Of all rows, in file order."""
    messages: list[Messages | None]
    """(N,) what conversational prompts were flattened from; `None` = plain text."""
    tools: list[Tools]
    """(N,) what each conversation may call."""
    rows: IntArray
    """(N,) 1-based row of each prompt."""
    sha256: str = ""
    """Of the file's bytes, 64 hex digits; empty if they come from no file."""
    read_as: str = ""
    """The file's layout, for people."""

    @classmethod
    def of_texts(cls, prompts: list[str]) -> Self:
        """Plain prompts."""
        return cls.of(prompts, [None] * len(prompts))

    @classmethod
    def of_table(cls, table: PairTable, sha256: str = "") -> Self:
        """The prompts of all pairs."""
        return cls.of(table.prompts, table.conversations, sha256)

    @classmethod
    def of(
        cls, prompts: list[str], conversations: Sequence[Conversation | None], sha256: str = ""
    ) -> Self:
        """Texts, and the conversations that some were flattened from."""
        return cls(
            prompts=prompts,
            messages=[(found.prompt or None) if found else None for found in conversations],
            tools=[found.tools if found else () for found in conversations],
            rows=np.arange(1, len(prompts) + 1),
            sha256=sha256,
        )


def load_pairs(
    path: Path | str | DataFiles,
    progress: Progress = silent,
    limits: Limits = DEFAULT_LIMITS,
    reading: Reading = BY_LOOKS,
) -> LoadedPairs:
    """Read and check a file of pairs: JSON, JSON Lines, CSV, Parquet, Arrow or Excel, also `.gz` or `.zst`;
    or those of a folder, pattern or address (see `places.find`).

    Rows with an error are left out of the table, and listed in the report and in `unusable`.

    Args:
        reading: the file's layout, where it is not to be recognised by its fields.

    Raises:
        DataError: the file is not what it says, is larger than the limits, has no rows, or lacks
            a required field altogether.
        UnclearLayoutError: it may be written in several layouts.
        PromptsAloneError: it holds prompts without responses.
    """
    source = find(path, limits)
    opened = open_rows(source.name, read_batches(source, progress), reading)
    parts, columns = _read_parts(source.name, opened, limits)
    table = join_parts(parts, columns)
    report = ValidationReport(
        sum(len(part.rows) + part.num_unusable for part in parts),
        len(table),
        int(table.scored.sum()),
        (),
    )
    return LoadedPairs(
        table=table,
        report=report.with_problems(_problems(parts, table)),
        unusable=unusable_rows(columns),
        format=source.format,
        sha256=source.sha256(),
        notes=(*source.notes, *opened.notes),
        read_as=opened.read_as,
        reading=reading,
    )


def load_prompts(
    path: Path | str | DataFiles, limits: Limits = DEFAULT_LIMITS, reading: Reading = BY_LOOKS
) -> Prompts:
    """Read the prompts of a file: of pairs in any layout that `load_pairs` takes, or of prompts alone.

    Raises:
        DataError: the file is not what it says, has no rows, or a row has no prompt.
        UnclearLayoutError: it may be written in several layouts.
    """
    source = find(path, limits)
    opened = open_rows(source.name, read_batches(source, silent), reading, for_prompts=True)
    names = dict.fromkeys(opened.names)
    prompts: list[str] = []
    conversations: list[Conversation | None] = []
    fault, num_missing = "", 0
    for batch in opened.batches:
        names.update(dict.fromkeys(batch.columns))
        parsed = parse_texts(batch, dict(batch.columns))
        missing = parsed.missing("prompt")
        if missing.any() and not fault:
            index = int(missing.argmax())
            fault = f"row {len(prompts) + index + 1:,} has {parsed.fault('prompt', index)}"
        num_missing += int(missing.sum())
        prompts += parsed.columns["prompt"].values.to_pylist()
        found = parsed.conversations or [None] * batch.num_rows
        conversations += with_tools(found, batch.columns.get(TOOLS))
    if num_missing == len(prompts):
        require_fields(source.name, names, ["prompt"])
    if fault:
        raise DataError(f"{source.name}: {fault}; write it as text or remove the row")
    return replace(Prompts.of(prompts, conversations, source.sha256()), read_as=opened.read_as)


def _read_parts(
    name: str, opened: OpenedRows, limits: Limits
) -> tuple[list[Part], list[PartColumns]]:
    """What each batch of a file holds.

    Raises:
        DataError: there are no rows, a required field lacks, or too much of it can't be used.
    """
    names = dict.fromkeys(opened.names)
    parts: list[Part] = []
    num_rows = 0
    with Spool() as spool:
        for batch in opened.batches:
            names.update(dict.fromkeys(batch.columns))
            try:
                part, columns = take_apart(batch, num_rows)
            except NestingError as error:
                raise DataError(f"{name} holds values that are {error}; flatten them") from error
            parts.append(part)
            columns.put_aside(spool)
            num_rows += batch.num_rows
            pa.default_memory_pool().release_unused()
            check_parts(name, names, parts, limits)
        if not num_rows:
            raise DataError(f"{name} holds no rows")
        require_text_fields(name, names, parts)
        return parts, spooled(spool)


def _problems(parts: list[Part], table: PairTable) -> Iterator[Problem]:
    """Errors, then warnings; some may have no rows."""
    for kind in parts[0].error_rows:
        yield kind.at(np.concatenate([part.error_rows[kind] for part in parts]))
    yield from find_warnings(table, join_hashes(parts))
    for kind in parts[0].warning_rows:
        yield kind.at(np.concatenate([part.warning_rows[kind] for part in parts]))
