"""The text fields of a batch, and the conversations that some rows have in them."""

from dataclasses import dataclass, field

import numpy as np

from grice_core.data import problems
from grice_core.data.batches import Batch, Column
from grice_core.data.conversation_column import FORMERLY_STORED_AS, STORED_AS
from grice_core.data.conversational import flatten_rows, kept_conversations, may_hold_messages
from grice_core.data.messages import Conversation
from grice_core.data.pairs import TEXT_FIELDS, BoolArray
from grice_core.data.report import ProblemKind
from grice_core.data.texts import TextColumn, no_text, text_column
from grice_core.data.written_messages import read_written


@dataclass(frozen=True, eq=False)
class ParsedTexts:
    """N rows."""

    columns: dict[str, TextColumn]
    """Per text field."""
    conversations: list[Conversation | None] | None = None
    """(N,) what texts were flattened from, without tools; `None` = all are plain."""
    parts: dict[str, BoolArray] = field(default_factory=dict)
    """(N,) per kind: rows whose messages hold parts that are no text; empty = there are none."""
    unreadable: BoolArray | None = None
    """(N,) rows with messages that are written in a notation that can't be read; `None` = there are none."""

    def missing(self, name: str) -> BoolArray:
        """(N,) rows without a usable text in this field."""
        column = self.columns[name]
        return column.blank | column.wrong_type | column.malformed

    def fault(self, name: str, index: int) -> str:
        """What a row has where this field's text is missing."""
        kinds = [kind for kind, found in self.parts.items() if found[index]]
        if kinds and self.columns[name].wrong_type[index]:
            return f"a {name} with {kinds[0]} parts, which are not supported"
        return f"no {name}"

    def errors(self, batch: Batch) -> dict[ProblemKind, BoolArray]:
        """(N,) per error: the rows of their batch that have it."""
        columns = self.columns.values()
        none = np.zeros(len(next(iter(columns)).values), dtype=np.bool_)
        nothing = none if batch.not_objects is None else batch.not_objects
        ties = none if batch.ties is None else batch.ties
        wrong_type = np.logical_or.reduce([column.wrong_type for column in columns])
        other_parts = np.logical_or.reduce([none, *self.parts.values()])
        return {
            problems.NOT_AN_OBJECT: nothing,
            problems.NO_PREFERENCE: ties,
            **{
                problems.EMPTY_TEXT[name]: column.blank & ~nothing & ~ties
                for name, column in self.columns.items()
            },
            problems.TEXT_WRONG_TYPE: wrong_type & ~other_parts,
            **{kind: self.parts.get(name, none) for name, kind in problems.PARTS_NOT_TEXT.items()},
            problems.MESSAGES_UNREADABLE: none if self.unreadable is None else self.unreadable,
            problems.TEXT_MALFORMED: np.logical_or.reduce([column.malformed for column in columns]),
        }


def parse_texts(batch: Batch, remaining: dict[str, Column]) -> ParsedTexts:
    """Find the text fields and conversations of a batch, and take them out of `remaining`."""
    read = {
        name: read_written(remaining.pop(name, no_text(batch.num_rows).values))
        for name in TEXT_FIELDS
    }
    columns = {name: column for name, (column, _) in read.items()}
    unreadable = [mask for _, mask in read.values() if mask is not None]
    conversations: list[Conversation | None] | None = None
    parts: dict[str, BoolArray] = {}
    if any(map(may_hold_messages, columns.values())):
        flattened = flatten_rows(columns)
        columns, conversations, parts = (
            flattened.columns,
            flattened.conversations,
            flattened.parts,
        )
    for name in {STORED_AS, FORMERLY_STORED_AS} & remaining.keys():
        kept = kept_conversations(remaining[name], columns)
        if kept is not None:
            del remaining[name]
            found = conversations or kept
            conversations = [one or other for one, other in zip(found, kept, strict=True)]
    return ParsedTexts(
        {name: text_column(column) for name, column in columns.items()},
        conversations,
        parts,
        np.logical_or.reduce(unreadable) if unreadable else None,
    )
