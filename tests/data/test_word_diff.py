"""Differences are marked word by word, and nothing of either text is lost."""

from hypothesis import given
from hypothesis import strategies as st

from grice_core.data.word_diff import MAX_WORDS, Piece, diff_words


def shown(pieces: tuple[Piece, ...]) -> str:
    return "".join(f"[{piece.text}]" if piece.differs else piece.text for piece in pieces)


def test_words_that_only_one_text_has_are_marked() -> None:
    diff = diff_words("The cat sat.", "The dog sat down.")

    assert shown(diff.left) == "The [cat] sat."
    assert shown(diff.right) == "The [dog] sat[ down]."


def test_neighbouring_differences_are_one_mark() -> None:
    diff = diff_words("I saw a big dog", "I heard some big dog")

    assert shown(diff.left) == "I [saw a] big dog"
    assert shown(diff.right) == "I [heard some] big dog"


def test_equal_texts_have_no_mark() -> None:
    assert shown(diff_words("Same here", "Same here").left) == "Same here"


def test_an_empty_text_has_no_pieces() -> None:
    diff = diff_words("", "all new")

    assert diff.left == ()
    assert shown(diff.right) == "[all new]"


def test_texts_too_long_to_compare_are_shown_unmarked() -> None:
    diff = diff_words("word " * MAX_WORDS, "other")

    assert not diff.is_compared
    assert shown(diff.right) == "other"


@given(st.text(), st.text())
def test_the_pieces_give_back_both_texts(left: str, right: str) -> None:
    diff = diff_words(left, right)

    assert "".join(piece.text for piece in diff.left) == left
    assert "".join(piece.text for piece in diff.right) == right
