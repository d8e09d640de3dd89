"""Verdicts by the content of their question, so that none is paid for twice."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from grice_core.detector.llm.protocol import Verdict
from grice_core.detector.record import ChatArchitecture
from grice_core.errors import OutputError

CACHE_NAME = "judge_answers.sqlite"
_BLOCK = 500
_RECENT = 200
_TABLE = """CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, probability REAL NOT NULL, model TEXT NOT NULL, seconds REAL NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL) WITHOUT ROWID"""


def question_key(architecture: ChatArchitecture, messages: Sequence[Mapping[str, str]]) -> str:
    """The same for the same question to the same model, wherever that runs."""
    asked = {"model": architecture.model, "max_tokens": architecture.max_tokens}
    text = json.dumps([asked, list(messages)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Usual:
    """What an answer of a model took, as far as is known."""

    seconds: float
    tokens_in: float
    tokens_out: float


class AnswerCache:
    """A file of verdicts that several processes may share.

    Raises:
        OutputError: it can't be read or written, on any call.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def get(self, keys: Iterable[str]) -> dict[str, float]:
        """The probabilities of the questions that were answered before."""
        wanted, found = list(keys), dict[str, float]()
        if not self._path.exists():
            return found
        with self._lock, closing(self._open()) as database:
            for start in range(0, len(wanted), _BLOCK):
                block = wanted[start : start + _BLOCK]
                marks = ",".join("?" * len(block))
                query = f"SELECT key, probability FROM answers WHERE key IN ({marks})"  # noqa: S608
                found.update(database.execute(query, block))
        return found

    def put(self, key: str, model: str, verdict: Verdict, seconds: float) -> None:
        """Keep a verdict, and what it took."""
        row = (key, verdict.probability, model, seconds, verdict.tokens_in, verdict.tokens_out)
        with self._lock, closing(self._open()) as database, database:
            database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)

    def usual(self, model: str) -> Usual | None:
        """What answers of this model took, in the middle; None: it was never asked."""
        if not self._path.exists():
            return None
        query = "SELECT seconds, tokens_in, tokens_out FROM answers WHERE model = ? LIMIT ?"
        with self._lock, closing(self._open()) as database:
            rows = database.execute(query, (model, _RECENT)).fetchall()
        if not rows:
            return None
        seconds, tokens_in, tokens_out = zip(*rows, strict=True)
        return Usual(median(seconds), median(tokens_in), median(tokens_out))

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=30)
            database.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise OutputError(
                f"the judge's answers can't be kept in {self._path}: {error}"
            ) from None
        return database
