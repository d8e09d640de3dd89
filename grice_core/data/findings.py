"""Warnings about usable pairs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grice_core.data import problems
from grice_core.data.conversation_column import open_conversations
from grice_core.data.pairs import TEXT_FIELDS, BoolArray, IntArray, PairTable
from grice_core.data.report import Problem, ProblemKind
from grice_core.data.text_hashes import HashArray, text_hashes

NO_MARGIN_BELOW = 1e-3
"""Where all four |data margins| are below this, the scores tell the responses apart by nothing."""


def find_warnings(table: PairTable, hashes: Mapping[str, HashArray] | None = None) -> list[Problem]:
    """What is odd about pairs that can be used all the same; some may have no rows.

    Args:
        hashes: of the texts, per text field, if they are known.
    """
    masks = warning_masks(table, hashes)
    return [kind.at(table.rows[mask]) for kind, mask in masks.items()]


def warning_masks(
    table: PairTable, hashes: Mapping[str, HashArray] | None = None
) -> dict[ProblemKind, BoolArray]:
    """(N,) per warning: the pairs that it is about."""
    prompt, chosen, rejected = _text_numbers(hashes or _hashes_of(table))
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
    prompt, chosen, rejected = _text_numbers(_hashes_of(table))
    group = _group(prompt, np.minimum(chosen, rejected), np.maximum(chosen, rejected))
    sizes = np.bincount(group)
    largest = np.argsort(-sizes, kind="stable")[:at_most]
    members = [np.flatnonzero(group == number) for number in largest if sizes[number] > 1]
    return [DuplicateGroup(one, len(set(chosen[one].tolist())) > 1) for one in members]


def _unequal_turns(table: PairTable) -> BoolArray:
    """(N,) conversations of which one response has more messages than the other."""
    if table.messages is None:
        return np.zeros(len(table), dtype=np.bool_)
    return np.array(
        [
            one is not None and len(one.chosen) != len(one.rejected)
            for chunk in table.messages.chunks  # one after the other: open, they take much memory
            for one in open_conversations(chunk)
        ],
        dtype=np.bool_,
    )


def _hashes_of(table: PairTable) -> dict[str, HashArray]:
    return {field: text_hashes(table.texts.column(field)) for field in TEXT_FIELDS}


def _text_numbers(hashes: Mapping[str, HashArray]) -> tuple[IntArray, IntArray, IntArray]:
    """(N,) of prompt, chosen and rejected: a number for each text, the same for the same text in either response."""
    responses = np.concatenate([hashes["chosen"], hashes["rejected"]])
    chosen, rejected = np.split(_numbered(responses), 2)
    return _numbered(hashes["prompt"]), chosen, rejected


def _numbered(hashes: HashArray) -> IntArray:
    """(N,) a small number for each distinct hash."""
    order = np.lexsort(hashes.T)
    is_new = np.ones(len(hashes), dtype=np.bool_)
    is_new[1:] = (hashes[order[1:]] != hashes[order[:-1]]).any(axis=1)
    numbers = np.empty(len(hashes), np.int64)
    numbers[order] = np.cumsum(is_new) - 1
    return numbers


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
