"""Columns of text, whatever a file put there."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from grice_core.data.batches import Column, is_text
from grice_core.data.pairs import BoolArray

TEXT = pa.large_string()
"""The type of every text column; its 64-bit offsets let one hold more than 2 GiB."""


@dataclass(frozen=True, eq=False)
class TextColumn:
    """N texts, and where there is none."""

    values: pa.Array
    """(N,) of type `TEXT`; null where there is no usable text."""
    wrong_type: BoolArray
    """(N,) there is a value, but it is no text."""
    malformed: BoolArray
    """(N,) the text is not valid Unicode: it holds half a surrogate pair."""

    @property
    def blank(self) -> BoolArray:
        """(N,) missing, or nothing but white space; not counted where another fault is."""
        length = pc.utf8_length(pc.utf8_trim_whitespace(self.values))
        is_blank = as_mask(pc.fill_null(pc.equal(length, 0), fill_value=True))
        return is_blank & ~self.wrong_type & ~self.malformed


def text_column(column: Column) -> TextColumn:
    """Take a column for text and mark what is none."""
    if isinstance(column, list):
        return _from_list(column)
    none = np.zeros(len(column), dtype=np.bool_)
    if is_text(column.type) or pa.types.is_null(column.type):
        return TextColumn(column.cast(TEXT), none, none)
    return TextColumn(pa.nulls(len(column), TEXT), as_mask(pc.is_valid(column)), none)


def no_text(num_rows: int) -> TextColumn:
    """A column for a field that the file doesn't have."""
    return text_column(pa.nulls(num_rows))


def first_text(columns: list[Column]) -> Column:
    """The first value of each row among columns that are different spellings of one field."""
    return reduce(_filled, columns)


def as_mask(booleans: Any) -> BoolArray:
    """An Arrow array of booleans without nulls as a NumPy mask."""
    mask: BoolArray = booleans.to_numpy(zero_copy_only=False).astype(np.bool_)
    return mask


def _filled(column: Column, other: Column) -> Column:
    """A column, filled from another one where it has no value."""
    if isinstance(column, list):
        return [a if a is not None else b for a, b in zip(column, other, strict=True)]
    if isinstance(other, list) or column.type != other.type:
        return column
    return pc.coalesce(column, other)


def _from_list(values: list[Any]) -> TextColumn:
    none = np.zeros(len(values), dtype=np.bool_)
    try:
        return TextColumn(pa.array(values, TEXT), none, none)
    except (pa.ArrowException, UnicodeEncodeError):
        pass  # some value is no text: find out which
    wrong_type = np.array([not isinstance(value, str | None) for value in values])
    malformed = np.array([isinstance(value, str) and not _is_unicode(value) for value in values])
    usable = [
        None if wrong or bad else value
        for value, wrong, bad in zip(values, wrong_type, malformed, strict=True)
    ]
    return TextColumn(pa.array(usable, TEXT), wrong_type, malformed)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
