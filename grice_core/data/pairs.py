"""Preference pairs as columns."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from grice_core.data.conversation_column import (
    TOOLS,
    canonical_json,
    open_conversations,
    with_tools,
)
from grice_core.data.messages import Conversation
from grice_core.maxims import MAXIMS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

TEXT_FIELDS = ("prompt", "chosen", "rejected")


@dataclass(frozen=True, eq=False)
class PairTable:
    """N preference pairs, one column per field.

    Scores are violation probabilities in [0, 1], lower is better; a pair's eight scores are all
    present, or all NaN (the pair is *unscored*).
    """

    texts: pa.Table
    """Columns `prompt`, `chosen`, `rejected`, all strings without nulls."""
    chosen_scores: FloatArray
    """(N, 4), columns in the order of `MAXIMS`."""
    rejected_scores: FloatArray
    """(N, 4), columns in the order of `MAXIMS`."""
    rows: IntArray
    """(N,) 1-based row of each pair in the file that it came from."""
    extras: pa.Table
    """Fields we don't know, kept as they came and exported again; N rows, any columns."""
    messages: pa.ChunkedArray | None = None
    """(N,) what the texts of conversational pairs were flattened from, as JSON (see
    `conversation_array`), null for plain pairs; `None` = all are plain."""

    def __post_init__(self) -> None:
        shape = (self.texts.num_rows, len(MAXIMS))
        if self.chosen_scores.shape != shape or self.rejected_scores.shape != shape:
            raise ValueError(f"scores must have shape {shape}")
        if self.rows.shape != shape[:1]:
            raise ValueError(f"rows must have shape {shape[:1]}")
        if self.messages is not None and len(self.messages) != shape[0]:
            raise ValueError(f"messages must have shape {shape[:1]}")

    def __len__(self) -> int:
        return int(self.texts.num_rows)

    @cached_property
    def margins(self) -> FloatArray:
        """(N, 4) data margins: rejected − chosen score; positive = chosen is better. NaN = unscored."""
        return self.rejected_scores - self.chosen_scores

    @cached_property
    def scored(self) -> BoolArray:
        """(N,) which pairs have scores."""
        return ~np.isnan(self.chosen_scores[:, 0])

    @property
    def prompts(self) -> list[str]:
        return self._texts("prompt")

    @property
    def chosen(self) -> list[str]:
        return self._texts("chosen")

    @property
    def rejected(self) -> list[str]:
        return self._texts("rejected")

    @cached_property
    def conversations(self) -> list[Conversation | None]:
        """(N,) the messages of each pair, with its tools; `None` for a plain pair."""
        if self.messages is None:
            return [None] * len(self)
        has_tools = TOOLS in self.extras.column_names
        return with_tools(
            open_conversations(self.messages), self.extras.column(TOOLS) if has_tools else None
        )

    def _texts(self, field: str) -> list[str]:
        texts: list[str] = self.texts.column(field).to_pylist()
        return texts

    def take(self, selection: BoolArray | IntArray | Sequence[int]) -> "PairTable":
        """The pairs at these indices, in this order, or where this (N,) mask is true."""
        chosen = np.asarray(selection)
        indices = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64)
        return PairTable(
            texts=self.texts.take(indices),
            chosen_scores=self.chosen_scores[indices],
            rejected_scores=self.rejected_scores[indices],
            rows=self.rows[indices],
            extras=self._take_extras(indices),
            messages=self._take_messages(indices),
        )

    def _take_messages(self, indices: IntArray) -> pa.ChunkedArray | None:
        """The messages at these indices, if one of them has any."""
        taken = None if self.messages is None else self.messages.take(indices)
        return None if taken is None or taken.null_count == len(taken) else taken

    def _take_extras(self, indices: IntArray) -> pa.Table:
        """The extras at these indices; Arrow would forget how many rows a table without columns has."""
        numbered = self.extras.append_column("", pa.array(np.arange(len(self))))
        return numbered.take(indices).select(range(self.extras.num_columns))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what training sees (texts, scores, conversations; in order), as 64 hex digits.

        Plain pairs have the fingerprint that they had before there were conversations.
        """
        digest = hashlib.sha256()
        for field in TEXT_FIELDS:
            for text in self._texts(field):
                encoded = text.encode()
                digest.update(len(encoded).to_bytes(8, "little"))
                digest.update(encoded)
        digest.update(np.ascontiguousarray(self.chosen_scores).tobytes())
        digest.update(np.ascontiguousarray(self.rejected_scores).tobytes())
        if any(self.conversations):
            for conversation in self.conversations:
                digest.update(canonical_json(conversation))
        return digest.hexdigest()
