"""Columns of scores, whatever a file put there."""

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from grice_core.data.batches import Column, is_text
from grice_core.data.bounds import check_fields
from grice_core.data.literal import parse_literal
from grice_core.data.pairs import FloatArray
from grice_core.data.texts import as_mask
from grice_core.maxims import MAXIMS
from grice_core.nesting import parse_json

FaultArray = npt.NDArray[np.uint8]
MAXIM_KEYS = tuple(maxim.value for maxim in MAXIMS)

_DECIMAL_COMMA = re.compile(r"^([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)$")
_NUMBERS = {float, int, type(None)}
_MAX_EXACT_INT = 2**53
_LACKING = object()  # stands where an object lacks a key, and nowhere else
_NO_OBJECT: dict[str, Any] = dict.fromkeys(MAXIM_KEYS, False)  # four values of a wrong type


class Fault(IntEnum):
    """Why a score is no number."""

    NONE = 0
    ABSENT = 1
    """No value, or null."""
    LACKING = 2
    """Its object is there and has other keys, but not this one."""
    NAN = 3
    NOT_A_NUMBER = 4
    """Infinite, or a CSV cell that is not written as a number."""
    WRONG_TYPE = 5


@dataclass(frozen=True, eq=False)
class ScoreColumn:
    """N numbers of one kind."""

    values: FloatArray
    """(N,) NaN wherever `faults` says why."""
    faults: FaultArray
    """(N,) of `Fault`."""

    def or_else(self, other: "ScoreColumn") -> "ScoreColumn":
        """This column, filled from another one where it has no value."""
        absent = self.faults == Fault.ABSENT
        return ScoreColumn(
            np.where(absent, other.values, self.values), np.where(absent, other.faults, self.faults)
        )


def score_column(column: Column, textual: bool = False) -> ScoreColumn:
    """Take a column for numbers and mark what is none; `textual` = numbers are written as text."""
    if isinstance(column, list):
        return _from_list(column)
    kind = column.type
    if pa.types.is_null(kind):
        return no_scores(len(column))
    if textual or is_text(kind):
        return _from_cells(column.cast(pa.large_string()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _from_numbers(column.cast(pa.float64(), safe=False))
    faults = np.where(as_mask(pc.is_valid(column)), Fault.WRONG_TYPE, Fault.ABSENT)
    return ScoreColumn(np.full(len(column), np.nan), faults.astype(np.uint8))


def score_object_columns(column: Column) -> tuple[list[ScoreColumn], dict[str, Column]]:
    """The four columns of a column of score objects, and its unknown keys as columns.

    Raises:
        DataError: there are too many unknown keys.
    """
    if isinstance(column, list):
        return _from_objects(column)
    if pa.types.is_struct(column.type):
        return _from_struct(column)
    return _from_objects(column.to_pylist())


def no_scores(num_rows: int) -> ScoreColumn:
    """A column for scores that the file doesn't have."""
    return ScoreColumn(np.full(num_rows, np.nan), np.full(num_rows, Fault.ABSENT, dtype=np.uint8))


def _from_objects(values: list[Any]) -> tuple[list[ScoreColumn], dict[str, Column]]:
    objects = values
    if set(map(type, values)) != {dict}:
        objects = [_as_object(value) for value in values]
    keys = dict.fromkeys(chain.from_iterable(objects))
    check_fields("an object of scores", keys, len(objects), sum(map(len, objects)))
    if spelt := {
        key: key.strip().lower()
        for key in keys
        if key.strip().lower() in MAXIM_KEYS and key not in MAXIM_KEYS
    }:
        objects = [{spelt.get(key, key): value for key, value in item.items()} for item in objects]
    columns = [_from_list(_values(objects, key)) for key in MAXIM_KEYS]
    unknown = dict.fromkeys(chain.from_iterable(objects)).keys() - set(MAXIM_KEYS)
    return columns, {key: [item.get(key) for item in objects] for key in sorted(unknown)}


def _values(objects: list[dict[str, Any]], key: str) -> list[Any]:
    try:
        return list(map(itemgetter(key), objects))
    except KeyError:
        return [item.get(key, _LACKING) if item else None for item in objects]


def _as_object(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = _parse_object(value)
    if value is None:
        return {}
    return value if isinstance(value, dict) else _NO_OBJECT


def _from_struct(column: pa.StructArray) -> tuple[list[ScoreColumn], dict[str, Column]]:
    names = [
        name if (name := field.name).strip().lower() not in MAXIM_KEYS else name.strip().lower()
        for field in column.type
    ]
    parts = dict(zip(names, column.flatten(), strict=True))
    lacking = np.where(as_mask(pc.is_valid(column)), Fault.LACKING, Fault.ABSENT).astype(np.uint8)
    columns = [
        score_column(parts.pop(key))
        if key in parts
        else ScoreColumn(np.full(len(column), np.nan), lacking)
        for key in MAXIM_KEYS
    ]
    return columns, parts


def _parse_object(cell: str | None) -> Any:
    """A cell's object, in JSON or Python's notation; what is neither stays text, which is a wrong type."""
    if cell is None:
        return None
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        pass  # it may hold NaN, which only the lenient parser takes
    for parse in (parse_json, parse_literal):
        with suppress(ValueError):
            return parse(cell)
    return cell


def _from_list(values: list[Any]) -> ScoreColumn:
    if set(map(type, values)) <= _NUMBERS:
        try:
            return _from_numbers(pa.array(values, pa.float64()))
        except pa.ArrowInvalid:
            pass  # some integer is too large for a float64
    values = [_parse_number(value) if isinstance(value, str) else value for value in values]
    faults = np.array([_fault(value) for value in values], dtype=np.uint8)
    numbers = [
        _as_float(value) if fault == Fault.NONE else None
        for value, fault in zip(values, faults, strict=True)
    ]
    column = _from_numbers(pa.array(numbers, pa.float64()))
    return ScoreColumn(column.values, np.where(faults == Fault.NONE, column.faults, faults))


def _from_cells(cells: pa.Array) -> ScoreColumn:
    trimmed = pc.utf8_trim_whitespace(cells)
    try:
        return _from_numbers(trimmed.cast(pa.float64()))
    except pa.ArrowInvalid:
        return _from_list([_parse_number(cell) for cell in trimmed.to_pylist()])


def _parse_number(cell: str | None) -> float | None:
    """A cell's number, with a point or a decimal comma; infinite if it is not written as one."""
    if not cell or not cell.strip():
        return None
    try:
        return float(_DECIMAL_COMMA.sub(r"\1.\2", cell.strip()))
    except ValueError:
        return float("inf")


def _from_numbers(numbers: pa.Array) -> ScoreColumn:
    values = numbers.to_numpy(zero_copy_only=False)
    faults = np.zeros(len(values), dtype=np.uint8)
    faults[np.isinf(values)] = Fault.NOT_A_NUMBER
    faults[np.isnan(values)] = Fault.NAN
    faults[as_mask(pc.is_null(numbers))] = Fault.ABSENT
    return ScoreColumn(np.where(faults == Fault.NONE, values, np.nan), faults)


def _fault(value: Any) -> Fault:
    if value is None:
        return Fault.ABSENT
    if value is _LACKING:
        return Fault.LACKING
    return Fault.NONE if type(value) in _NUMBERS else Fault.WRONG_TYPE


def _as_float(value: float) -> float:
    """The number; an integer beyond what a float64 holds stays far out of range."""
    return float(max(-_MAX_EXACT_INT, min(_MAX_EXACT_INT, value))) if type(value) is int else value
