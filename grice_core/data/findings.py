"""Warnings about usable pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from grice_core.data import problems
from grice_core.data.pairs import BoolArray, IntArray, PairTable
from grice_core.data.report import Problem, ProblemKind

NO_MARGIN_BELOW = 1e-3
"""Where all four |data margins| are below this, the scores tell the responses apart by nothing."""


def find_warnings(table: PairTable) -> list[Problem]:
    """What is odd about pairs that can be used all the same; some may have no rows."""
    return [kind.at(table.rows[mask]) for kind, mask in warning_masks(table).items()]


def warning_masks(table: PairTable) -> dict[ProblemKind, BoolArray]:
    """(N,) per warning: the pairs that it is about."""
    prompt = _text_numbers([table.texts.column("prompt")])[0]
    chosen, rejected = _text_numbers([table.texts.column("chosen"), table.texts.column("rejected")])
    return {
        problems.SAME_RESPONSE: chosen == rejected,
        problems.DUPLICATE: _repeated(prompt, chosen, rejected),
        problems.CONTRADICTION: _contradicted(prompt, chosen, rejected),
        problems.UNEQUAL_TURNS: _unequal_turns(table),
        problems.NO_MARGIN: table.scored & (np.abs(table.margins) < NO_MARGIN_BELOW).all(axis=1),
    }


@dataclass(frozen=True, eq=False)
class DuplicateGroup:
    """Pairs of the same prompt with the same two responses, whichever way round."""

    indices: IntArray
    """Into the table, ascending; two or more."""
    is_contradictory: bool
    """Whether some of them prefer what the others reject."""


def duplicates(table: PairTable, at_most: int) -> list[DuplicateGroup]:
    """The largest groups of pairs that say the same, or the opposite, of the same three texts."""
    prompt = _text_numbers([table.texts.column("prompt")])[0]
    chosen, rejected = _text_numbers([table.texts.column("chosen"), table.texts.column("rejected")])
    group = _group(prompt, np.minimum(chosen, rejected), np.maximum(chosen, rejected))
    sizes = np.bincount(group)
    largest = np.argsort(-sizes, kind="stable")[:at_most]
    members = [np.flatnonzero(group == number) for number in largest if sizes[number] > 1]
    return [DuplicateGroup(one, len(set(chosen[one].tolist())) > 1) for one in members]


def _unequal_turns(table: PairTable) -> BoolArray:
    """(N,) conversations of which one response has more messages than the other."""
    if table.messages is None:
        return np.zeros(len(table), dtype=np.bool_)
    conversations = table.conversations
    return np.array(
        [one is not None and len(one.chosen) != len(one.rejected) for one in conversations],
        dtype=np.bool_,
    )


def _text_numbers(columns: Sequence[pa.ChunkedArray]) -> list[IntArray]:
    """(N,) per column: a number for each text, the same for the same text in any of the columns."""
    chunks = [chunk for column in columns for chunk in column.chunks]
    texts = pa.chunked_array(chunks, columns[0].type)
    # All chunks of the result share one dictionary, so that their indices can be compared.
    parts = [chunk.indices.to_numpy() for chunk in texts.dictionary_encode().chunks]
    numbers = np.concatenate([*parts, np.empty(0, np.int64)]).astype(np.int64)
    return np.split(numbers, len(columns))


def _group(*keys: IntArray) -> IntArray:
    """(N,) a number for each distinct combination of keys, which are small and not negative."""
    group = np.zeros_like(keys[0])
    for key in keys:
        # Renumbered after each key: the product of all three could overflow.
        group = group * (int(key.max(initial=0)) + 1) + key
        group = np.unique(group, return_inverse=True)[1]
    return group


def _repeated(*keys: IntArray) -> BoolArray:
    """(N,) rows whose combination of keys stands in an earlier row."""
    group = _group(*keys)
    repeated = np.ones(len(group), dtype=np.bool_)
    repeated[np.unique(group, return_index=True)[1]] = False
    return repeated


def _contradicted(prompt: IntArray, chosen: IntArray, rejected: IntArray) -> BoolArray:
    """(N,) rows whose two responses stand in another row of the same prompt the other way round."""
    group = _group(prompt, np.minimum(chosen, rejected), np.maximum(chosen, rejected))
    num_groups = int(group.max(initial=-1)) + 1
    forward = np.bincount(group[chosen < rejected], minlength=num_groups)
    backward = np.bincount(group[chosen > rejected], minlength=num_groups)
    contradicted: BoolArray = ((forward > 0) & (backward > 0))[group]
    contradicted[chosen == rejected] = False
    return contradicted
