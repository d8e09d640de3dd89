"""The text fields of a batch, where some of them hold lists of messages."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from grice_core.data.batches import Column
from grice_core.data.conversation_column import is_kept, json_values, split_kept
from grice_core.data.flattening import flatten, message_text, render
from grice_core.data.messages import (
    PART_KINDS,
    Conversation,
    Messages,
    part_kind,
)
from grice_core.data.pairs import TEXT_FIELDS, BoolArray
from grice_core.data.splitting import split_conversation


@dataclass(frozen=True, eq=False)
class FlattenedRows:
    """N rows."""

    columns: dict[str, Column]
    """Per text field: messages as text; what is neither text nor messages as it came."""
    conversations: list[Conversation | None]
    """(N,) without their tools."""
    parts: dict[str, BoolArray]
    """(N,) per kind of `PART_KINDS`: rows that hold such parts."""


def may_hold_messages(column: Column) -> bool:
    """Whether some value could be a list of messages."""
    if isinstance(column, list):
        return list in set(map(type, column))
    return bool(pa.types.is_list(column.type) or pa.types.is_large_list(column.type))


def flatten_rows(columns: dict[str, Column]) -> FlattenedRows:
    """Find the conversations in the text fields of a batch."""
    rows = list(zip(*map(json_values, columns.values()), strict=True))
    found = [split_conversation(*row) for row in rows]
    texts = list(map(_texts, rows, found))
    parts = list(map(_part_kind, texts))
    return FlattenedRows(
        columns={
            field: list(column)
            for field, column in zip(columns, zip(*texts, strict=True), strict=True)
        },
        conversations=found,
        parts={kind: np.array([part == kind for part in parts]) for kind in PART_KINDS},
    )


def kept_conversations(
    column: Column, columns: dict[str, Column]
) -> list[Conversation | None] | None:
    """The conversations that an exported or stored file keeps beside its texts.

    One that says something else than its texts, which were edited then, is left out. `None` if the
    column holds anything but conversations.
    """
    kept = json_values(column)
    if not all(is_kept(one) for one in kept if one is not None):
        return None
    rows = list(zip(*(json_values(columns[field]) for field in TEXT_FIELDS), strict=True))
    return [_still_said(one, row) for one, row in zip(kept, rows, strict=True)]


def _texts(row: tuple[Any, Any, Any], found: Conversation | None) -> tuple[Any, Any, Any]:
    if found is None:
        return row
    messages = found.prompt, found.chosen, found.rejected
    prompt, chosen, rejected = (
        text if turns else None if value == [] else value
        for value, turns, text in zip(row, messages, flatten(found), strict=True)
    )
    return prompt, chosen, rejected


def _part_kind(texts: tuple[Any, Any, Any]) -> str | None:
    """The kind of parts that keeps messages from being text, if one does."""
    lists = (value for value in texts if isinstance(value, list))
    return next(filter(None, map(part_kind, lists)), None)


def _still_said(kept: Any, texts: tuple[Any, Any, Any]) -> Conversation | None:
    """A row's conversation, if its texts are what that was flattened to, by any version."""
    if not all(isinstance(text, str) for text in texts):
        return None
    found = split_kept(kept, texts)
    if found is None:
        return None
    prompt, chosen, rejected = texts
    last = message_text(found.prompt[-1]) if found.prompt else ""
    is_said = (
        prompt.endswith(last)
        and chosen in _renderings(found.chosen)
        and rejected in _renderings(found.rejected)
    )
    return found if is_said else None


def _renderings(response: Messages) -> set[str]:
    return {render(response, name_roles=name_roles) for name_roles in (True, len(response) > 1)}
