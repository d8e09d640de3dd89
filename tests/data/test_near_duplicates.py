"""Near-duplicates are found by the Jaccard index of word triples; nothing is missed, nothing made up."""

import random

import numpy as np
import pytest

from grice_core.data.leakage import near_leaks
from grice_core.data.near_duplicates import nearest
from grice_core.data.shingles import ShingleSets, folded_words

WORDS = [f"w{number}" for number in range(300)]


def triples(text: str) -> set[tuple[str, ...]]:
    words = folded_words(text)
    return {tuple(words[start : start + 3]) for start in range(max(1, len(words) - 2))}


def similarities(texts: list[str], others: list[str]) -> list[float]:
    found, _ = nearest(ShingleSets.of(texts), ShingleSets.of(others))
    return [round(each, 3) for each in found.similarity.tolist()]


def text(rng: random.Random, num_words: int) -> str:
    return " ".join(rng.choices(WORDS, k=num_words))


def edited(rng: random.Random, original: str) -> str:
    words = original.split()
    for _ in range(rng.randint(0, 5)):
        words[rng.randrange(len(words))] = rng.choice(WORDS)
    return " ".join(words)


@pytest.mark.parametrize("at_least", [0.5, 0.8, 1.0])
def test_the_search_agrees_with_comparing_every_pair(at_least: float) -> None:
    rng = random.Random(0)
    others = [text(rng, rng.randint(1, 60)) for _ in range(80)]
    texts = [edited(rng, rng.choice(others)) for _ in range(60)]

    found, back = nearest(ShingleSets.of(texts), ShingleSets.of(others), at_least=at_least)

    ours, theirs = [*map(triples, texts)], [*map(triples, others)]
    table = np.array([[len(a & b) / len(a | b) for b in theirs] for a in ours])
    table[table < at_least] = 0
    assert found.similarity == pytest.approx(table.max(axis=1))
    assert back.similarity == pytest.approx(table.max(axis=0))
    assert found.other.tolist() == np.where(table.any(axis=1), table.argmax(axis=1), -1).tolist()
    assert (found.similarity > 0).sum() >= 10


def test_case_punctuation_and_kinds_of_characters_make_no_difference() -> None:
    assert folded_words("It's  HERE, ｎｏｗ_then.") == ["it", "s", "here", "now", "then"]
    assert similarities(["Do you like jazz?"], ["do you LIKE  jazz"]) == [1.0]


def test_one_other_word_in_a_long_text_is_near_and_in_a_short_question_is_not() -> None:
    long = " ".join(WORDS[:60])
    assert similarities([long.replace("w30 ", "other ")], [long]) == [round(55 / 61, 3)]
    assert similarities(["Where do cats sleep?"], ["Where do dogs sleep?"]) == [0.0]


def test_scripts_without_spaces_are_compared_character_by_character() -> None:
    assert similarities(["猫はどこで寝ますか"], ["猫はどこで寝ますか？今"]) == [round(7 / 8, 3)]


def test_what_most_texts_share_does_not_count() -> None:
    system = " ".join(WORDS[:200])
    questions = [f"{system} tell me about q{number} and r{number} please" for number in range(120)]

    assert similarities(questions[:10], questions[60:]) == [0.0] * 10
    assert similarities(questions[:1], [*questions[60:], questions[0] + " now"])[0] >= 0.5


def test_texts_without_words_are_near_nothing() -> None:
    assert similarities(["", "…", "a"], ["", "!", "a"]) == [0.0, 0.0, 1.0]
    assert similarities([], ["a"]) == []
    assert similarities(["a"], []) == [0.0]


def test_prompts_that_leak_as_they_are_are_not_counted_again() -> None:
    training = [
        f"Context: {' '.join(WORDS[:40])}\nEvidence: {e}\n\nGenerate a cooperative response:"
        for e in "AB"
    ]
    other = training[0].replace("w20", "new")

    found = near_leaks([training[1], "quite new", other, other], [*training, "x y z"])

    assert found.of_evaluation(0.8).tolist() == [False, False, True, True]
    assert found.evaluation.other[2] == 0
    assert found.most_similar().tolist() == [2, 3]
    assert found.training.reaches(0.8).tolist() == [True, True, False]
