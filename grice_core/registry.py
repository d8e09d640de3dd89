"""A user's files and detectors, checked and kept in the store, where every worker finds them."""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from grice_core.data.columnar import write_pairs
from grice_core.data.conversation_column import TOOLS, conversation_array
from grice_core.data.json_column import json_array
from grice_core.data.layouts.opening import BY_LOOKS, Reading
from grice_core.data.load import LoadedPairs, Prompts, load_pairs, load_prompts
from grice_core.data.messages import Conversation
from grice_core.data.pairs import TEXT_FIELDS, PairTable
from grice_core.data.places import find
from grice_core.data.source import DataFiles
from grice_core.detector.record import read_record
from grice_core.errors import DataError, InputError
from grice_core.maxims import MAXIMS
from grice_core.progress import Progress, silent
from grice_core.store import data_sets, detectors
from grice_core.store.actions import require
from grice_core.store.actors import Role
from grice_core.store.artifacts import Address, ArtifactStore
from grice_core.store.data_sets import DataSetDraft
from grice_core.store.database import Database
from grice_core.store.tables import DataSet, Detector

FILE_SHA256 = "file_sha256"
"""In the report of a data set that holds only the prompts of a file, or that was read in a way of its own:
the file's own hash."""
READING = "reading"
"""In the report of a data set that was read in a way of its own: which, as JSON."""
MAX_BAD_ROWS = 200
_MAX_BAD_CHARACTERS = 300
"""How much of an unusable row is kept with the report; the whole rows are kept beside it."""
_BLOCK = 10_000
_MANY = 100_000


PROMPTS_ALONE = "Prompts without responses."
"""Note of a data set that holds nothing else."""


def holds_prompts_alone(data_set: DataSet) -> bool:
    """Whether a data set is a list of prompts, to which nothing was ever answered."""
    return PROMPTS_ALONE in (data_set.report.get("notes") or ())


@dataclass(frozen=True)
class Keeper:
    """Puts what the user has into the store, each content once."""

    database: Database
    artifacts: ArtifactStore

    def keep_pairs(
        self,
        path: Path | DataFiles,
        name: str,
        progress: Progress = silent,
        reading: Reading = BY_LOOKS,
    ) -> DataSet:
        """Keep the pairs of a file as columns; those of a known file that were lost are put back.

        A file that was kept before is read as it was then, if nothing else is said.

        Raises:
            DataError: the file can't be used, or no row of it; nothing is kept then.
        """
        files = find(path)
        reading = reading or self._reading_of(files)
        known = self.known(files, reading)
        if known is None:
            require(self.database, Role.MEMBER)
        return known or self.keep_loaded(load_pairs(files, progress, reading=reading), name)

    def known(self, path: Path | DataFiles, reading: Reading = BY_LOOKS) -> DataSet | None:
        """The data set that this file became, if it was kept before and its pairs are still there.

        Raises:
            DataError: the file can't be read.
        """
        key = _key_of(_sha256(path), reading or self._reading_of(path))
        known = data_sets.with_content(self.database, key)
        if known is not None and self.artifacts.contains(known.artifact_sha256):
            return known
        return None

    def _reading_of(self, path: Path | DataFiles) -> Reading:
        """In which way of its own a file was read when it was kept; by its looks if in none."""
        sha256 = _sha256(path)
        if data_sets.with_content(self.database, sha256) is not None:
            return BY_LOOKS
        same_file = (
            data_set
            for data_set in data_sets.page(self.database, limit=_MANY)
            if data_set.report.get(FILE_SHA256) == sha256 and READING in data_set.report
        )
        newest = next(same_file, None)
        return BY_LOOKS if newest is None else Reading.of(newest.report[READING])

    def keep_loaded(self, loaded: LoadedPairs, name: str) -> DataSet:
        """Keep what was read from a file already.

        Raises:
            DataError: no row of it can be used; nothing is kept then.
        """
        if not len(loaded.table):
            worst = max(loaded.report.errors, key=lambda problem: problem.count)
            raise DataError(
                f"{name} has no usable row: in {worst.count:,} of {loaded.report.num_rows:,} rows "
                f"{worst.message}; {worst.fix}"
            )
        draft = DataSetDraft(
            name=name,
            sha256=_key_of(loaded.sha256, loaded.reading),
            pairs=self._put(loaded.table),
            num_rows=loaded.report.num_rows,
            num_usable=loaded.report.num_usable,
            num_scored=loaded.report.num_scored,
            report=report_of(loaded),
            unusable=self._put_rows(loaded.unusable),
        )
        return self._add(draft)

    def keep_prompts(self, path: Path, name: str, reading: Reading = BY_LOOKS) -> DataSet:
        """Keep the evaluation prompts of a file; its responses too if every row has usable ones.

        Raises:
            DataError: the file can't be used, or a row has no prompt; nothing is kept then.
        """
        files = find(path)
        reading = reading or self._reading_of(files)
        prompts = load_prompts(files, reading=reading)
        try:
            pairs = self.keep_pairs(files, name, reading=reading)
        except DataError:  # prompts alone will do
            return self._keep_prompts_alone(prompts, name, reading)
        # Only usable rows are kept, but every row's prompt is evaluated on.
        complete = pairs.num_usable == pairs.num_rows
        return pairs if complete else self._keep_prompts_alone(prompts, name, reading)

    def keep_detector(self, folder: Path) -> Detector:
        """Keep a detector's folder.

        Raises:
            DetectorError: it is no detector.
        """
        require(self.database, Role.MEMBER)
        card = read_record(folder).model_dump(mode="json")
        address = self.artifacts.put_folder(folder)
        name = folder.resolve().name
        return detectors.get(self.database, detectors.add(self.database, name, address, card))

    def _keep_prompts_alone(
        self, prompts: Prompts, name: str, reading: Reading = BY_LOOKS
    ) -> DataSet:
        draft = DataSetDraft(
            name=name,
            sha256=_key_of(_sha256_of_prompts(prompts), reading),
            pairs=self._put(_as_pairs(prompts)),
            num_rows=len(prompts.prompts),
            num_usable=len(prompts.prompts),
            num_scored=0,
            report={
                "problems": [],
                "notes": [PROMPTS_ALONE],
                "bad_rows": [],
                FILE_SHA256: prompts.sha256,
                "read_as": prompts.read_as,
            },
        )
        return self._add(draft)

    def _put(self, table: PairTable) -> Address:
        require(self.database, Role.MEMBER)  # before a file is written
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pairs.parquet"
            write_pairs(path, table)
            return self.artifacts.put_file(path)

    def _put_rows(self, rows: pa.Table) -> Address | None:
        """Rows as JSON Lines; None if there are none."""
        if not rows.num_rows:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.jsonl"
            with path.open("wb") as file:
                file.writelines(json_lines(rows))
            return self.artifacts.put_file(path)

    def _add(self, draft: DataSetDraft) -> DataSet:
        data_set_id = data_sets.add(self.database, draft)
        stored = data_sets.get(self.database, data_set_id)
        if not self.artifacts.contains(stored.artifact_sha256):
            # Lost, and written otherwise by the library of today: runs of before don't find it again.
            data_sets.replace_pairs(self.database, data_set_id, draft.pairs)
            return data_sets.get(self.database, data_set_id)
        return stored


def check_base(base: str) -> str:
    """A base model as every worker of this machine finds it: a hub id, or an absolute path.

    Raises:
        InputError: it looks like a folder and is none.
    """
    path = Path(base).expanduser()
    if path.is_dir():
        return str(path.resolve())
    if path.is_absolute() or base.startswith((".", "~")) or base.count("/") > 1:
        raise InputError(
            f"there is no base model in {base}: give a hub id, or a folder that exists"
        )
    return base


def _sha256(path: Path | DataFiles) -> str:
    if not isinstance(path, Path):
        return path.sha256()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from error


def _key_of(sha256: str, reading: Reading) -> str:
    """Tells the content of a file that is read in a way of its own from that of the file as it looks."""
    if not reading:
        return sha256
    how = orjson.dumps(reading.document(), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(sha256.encode() + b" read as " + how).hexdigest()


def _sha256_of_prompts(prompts: Prompts) -> str:
    """Another one than that of the file, whose pairs are another data set.

    Conversations were kept as text alone once, so they don't find what was kept then.
    """
    what = "conversations" if any(prompts.messages) else "prompts"
    return hashlib.sha256(f"{what} of {prompts.sha256}".encode()).hexdigest()


def _as_pairs(prompts: Prompts) -> PairTable:
    nothing = [""] * len(prompts.prompts)
    texts = pa.table(dict(zip(TEXT_FIELDS, (prompts.prompts, nothing, nothing), strict=True)))
    unscored = np.full((len(nothing), len(MAXIMS)), np.nan)
    plain = PairTable(texts, unscored, unscored, prompts.rows, extras=texts.select([]))
    if not any(prompts.messages):
        return plain
    conversations = [
        Conversation(messages, (), ()) if messages else None for messages in prompts.messages
    ]
    return replace(
        plain,
        extras=pa.table({TOOLS: json_array([tools or None for tools in prompts.tools])}),
        messages=pa.chunked_array([conversation_array(conversations)]),
    )


def json_lines(rows: pa.Table) -> Iterator[bytes]:
    """Rows as lines of JSON."""
    for batch in rows.to_batches(max_chunksize=_BLOCK):
        for row in batch.to_pylist():
            yield orjson.dumps(row) + b"\n"


def report_of(loaded: LoadedPairs) -> dict[str, Any]:
    """The validation report as JSON, with the beginnings of the first unusable rows."""
    bad_rows = loaded.unusable.slice(0, MAX_BAD_ROWS).to_pylist()
    for row in bad_rows:
        row["content"] = row["content"][:_MAX_BAD_CHARACTERS]
    report = loaded.report.as_json() | {
        "notes": list(loaded.notes),
        "bad_rows": bad_rows,
        "read_as": loaded.read_as,
    }
    if loaded.reading:
        report |= {READING: loaded.reading.document(), FILE_SHA256: loaded.sha256}
    return report
