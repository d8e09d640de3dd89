"""Texts as a table shows them."""

import pytest

from grice_core.data.excerpts import Frame, excerpt

PROMPTS = [
    "Context: [FS1]: Do you like cats?\n\nGenerate a cooperative response:",
    "Context: [FS1]: Do you like old jazz?\n\nGenerate a cooperative response:",
    "Context: [FS1]: When was it built?\n\nGenerate a cooperative response:",
]


def in_brackets(text: str, words: str = "", limit: int = 200, *, keep_end: bool = False) -> str:
    pieces = excerpt(text, words, limit, keep_end=keep_end)
    return "".join(f"[{piece.text}]" if piece.differs else piece.text for piece in pieces)


def test_what_all_prompts_share_is_left_out() -> None:
    frame = Frame.of(PROMPTS)
    assert [frame.inside(prompt) for prompt in PROMPTS] == [
        "Do you like cats?",
        "Do you like old jazz?",
        "When was it built?",
    ]
    assert frame.inside("Something else") == "Something else"


def test_only_whole_words_are_left_out() -> None:
    frame = Frame.of(["say bridges", "say brides"])
    assert frame.inside("say bridges") == "bridges"


@pytest.mark.parametrize("texts", [[], ["one"], ["same", "same"]])
def test_where_nothing_differs_nothing_is_left_out(texts: list[str]) -> None:
    assert Frame.of(texts) == Frame()


def test_hits_are_marked_in_whatever_case() -> None:
    assert in_brackets("The bridge, a Bridge.", "BRIDGE") == "The [bridge], a [Bridge]."
    assert in_brackets("a+b (c)", "+b (") == "a[+b (]c)"
    assert in_brackets("nothing here", "bridge") == "nothing here"
    assert in_brackets("", "bridge") == ""


def test_a_long_text_begins_shortly_before_its_first_hit() -> None:
    text = "x" * 100 + " bridge " + "y" * 100
    shown = in_brackets(text, "bridge", limit=80)
    assert shown.startswith("… x")
    assert "[bridge]" in shown
    assert shown.endswith("y …")
    assert in_brackets("bridge " + "y" * 100, "bridge", limit=30).startswith("[bridge] y")


def test_a_text_that_is_cut_begins_with_a_whole_word() -> None:
    assert in_brackets("some words before " * 9 + "the bridge", "bridge").startswith(
        "… words before"
    )


def test_a_long_prompt_shows_its_end_where_the_question_is() -> None:
    text = "long ago " * 30 + "what colour is it?"
    assert in_brackets(text, limit=40, keep_end=True).endswith("what colour is it?")
    assert in_brackets(text, limit=40).startswith("long ago")


def test_line_breaks_are_spaces_in_a_table() -> None:
    assert in_brackets("one\n\n  two") == "one two"
