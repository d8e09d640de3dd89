from typing import Any

import numpy as np
import pyarrow as pa

from grice_core.data.extras import no_extras
from grice_core.data.findings import duplicates, find_warnings
from grice_core.data.pairs import PairTable

LEFT, RIGHT = (0.1, 0.1, 0.1, 0.1), (0.9, 0.1, 0.1, 0.1)


def found(texts: list[tuple[str, str, str]], **scores: Any) -> dict[str, tuple[int, ...]]:
    """Rows per warning for pairs of (prompt, chosen, rejected)."""
    warnings = find_warnings(pairs(texts, **scores))
    return {problem.code: problem.rows for problem in warnings if problem.count}


def pairs(texts: list[tuple[str, str, str]], **scores: Any) -> PairTable:
    """Pairs of (prompt, chosen, rejected), unscored unless scores are given."""
    shape = (len(texts), 4)
    return PairTable(
        texts=pa.table(
            {
                name: pa.chunked_array([pa.array(column[:1]), pa.array(column[1:])])
                for name, column in zip(
                    ("prompt", "chosen", "rejected"), zip(*texts, strict=True), strict=True
                )
            }
        ),
        chosen_scores=np.array(scores.get("chosen", np.full(shape, np.nan))),
        rejected_scores=np.array(scores.get("rejected", np.full(shape, np.nan))),
        rows=np.arange(1, len(texts) + 1),
        extras=no_extras(len(texts)),
    )


def test_different_pairs_give_no_warning() -> None:
    assert found([("p", "a", "b"), ("p", "a", "c"), ("q", "b", "a")]) == {}


def test_a_response_preferred_to_itself_is_found() -> None:
    assert found([("p", "a", "b"), ("p", "a", "a")]) == {"same_response": (2,)}


def test_a_duplicate_is_every_occurrence_but_the_first() -> None:
    texts = [("p", "a", "b"), ("q", "a", "b"), ("p", "a", "b"), ("p", "a", "b")]

    assert found(texts) == {"duplicate": (3, 4)}


def test_a_contradiction_is_the_same_pair_both_ways_under_one_prompt() -> None:
    texts = [("p", "a", "b"), ("q", "b", "a"), ("p", "b", "a"), ("p", "a", "c")]

    assert found(texts) == {"contradiction": (1, 3)}


def test_equal_scores_are_found_and_unscored_pairs_are_not() -> None:
    texts = [("p", "a", "b"), ("q", "a", "b"), ("r", "a", "b")]
    unscored = (np.nan,) * 4
    scores = {"chosen": [LEFT, LEFT, unscored], "rejected": [LEFT, RIGHT, unscored]}

    assert found(texts, **scores) == {"no_margin": (1,)}


def test_pairs_with_the_same_texts_are_told_in_groups_the_largest_first() -> None:
    texts = [("p", "a", "b"), ("q", "a", "b"), ("p", "b", "a"), ("p", "a", "b"), ("q", "a", "b")]

    large, small = duplicates(pairs(texts), at_most=9)

    assert (large.indices.tolist(), large.is_contradictory) == ([0, 2, 3], True)
    assert (small.indices.tolist(), small.is_contradictory) == ([1, 4], False)


def test_without_repeated_pairs_there_are_no_groups() -> None:
    assert duplicates(pairs([("p", "a", "b"), ("p", "a", "c")]), at_most=9) == []
