"""Repetition and diversity, against counting by hand and against drawing."""

import math

import numpy as np
import pytest

from grice_core.evaluation.words import distinct, is_repetitive, ngrams


@pytest.mark.parametrize(
    ("text", "repetitive"),
    [
        ("", False),
        ("the bridge is old and the bridge is made of steel", False),
        ("it is old, it is old, it is new", False),
        ("well, it is so it is so it is so", True),
        ("so it is so it is so it is then", True),
        ("no no no no no", False),
        ("no no no no no no", True),
        ("a b a b a x a b", False),
        ("it was cut in the middle in the middle in the middle in th", True),
    ],
)
def test_a_phrase_of_two_words_said_three_times_in_a_row_is_repetition(
    text: str, repetitive: bool
) -> None:
    assert is_repetitive(text) is repetitive


def test_ngrams_are_counted_in_lower_case_within_answers() -> None:
    found = ngrams([["The old bridge", "the old"], ["old the"]], 2)
    assert found.sizes.tolist() == [3, 1]
    assert sorted(found.counts.tolist()) == [1, 1, 2]  # old bridge, old the; the old
    assert found.num_comparable == 1


def test_answers_without_enough_words_have_no_ngrams() -> None:
    found = ngrams([["one"], [""]], 2)
    assert found.sizes.tolist() == [0, 0]
    assert found.num_comparable == 0


def test_of_all_ngrams_distinct_n_is_that_of_li_and_others() -> None:
    found = ngrams([["a a b"], ["c a"]], 1)
    value, _ = distinct(found, 5)
    assert value == pytest.approx(3 / 5)


def test_fewer_draws_have_the_expected_number_of_distinct_ones() -> None:
    """Two of a, a, b, c: six equally likely pairs, of which one is a, a."""
    value, _ = distinct(ngrams([["a a"], ["b c"]], 1), 2)
    assert value == pytest.approx((5 * 2 + 1) / 6 / 2)


def test_without_a_prompt_it_is_what_it_would_be_had_the_prompt_not_been_asked() -> None:
    generator = np.random.default_rng(0)
    answers = [
        [" ".join(f"w{word}" for word in generator.zipf(1.5, size=12) % 30) for _ in range(2)]
        for _ in range(6)
    ]
    found = ngrams(answers, 2)
    size = found.num_comparable
    _, left_out = distinct(found, size)
    by_hand = [distinct(ngrams(answers[:p] + answers[p + 1 :], 2), size)[0] for p in range(6)]
    assert left_out == pytest.approx(np.array(by_hand))


def test_longer_texts_of_the_same_words_are_no_less_diverse_at_equal_length() -> None:
    generator = np.random.default_rng(1)
    words = [f"w{word}" for word in generator.integers(0, 50, size=4000)]
    short = ngrams([[" ".join(words[at : at + 10])] for at in range(0, 1000, 10)], 1)
    long = ngrams([[" ".join(words[at : at + 30])] for at in range(1000, 4000, 30)], 1)
    plain = [len(np.unique(of.grams)) / of.sizes.sum() for of in (short, long)]
    assert plain[0] > 2 * plain[1]
    size = min(short.num_comparable, long.num_comparable)
    equal = [distinct(of, size)[0] for of in (short, long)]
    assert math.isclose(*equal, abs_tol=0.002)
