"""Numbers look the same on every page, and foreign texts show as they are."""

import pytest

from app.text.formatting import (
    count_of,
    plain_label,
    plain_markdown,
    sentence,
    short_path,
    stage_title,
    told_apart,
)


def test_counts() -> None:
    assert (count_of(1, "pair"), count_of(1970, "pair")) == ("1 pair", "1,970 pairs")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("can't be read", "Can't be read."),
        ("stage: too few pairs", "Stage: too few pairs."),
        ("sqlite:////home/grice.db, revision 7", "sqlite:////home/grice.db, revision 7."),
        ("stage1.learning_rate: no number!", "stage1.learning_rate: no number!"),
    ],
)
def test_a_message_becomes_a_sentence_that_keeps_names_as_they_are(message: str, told: str) -> None:
    assert sentence(message) == told


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("**b**", r"\*\*b\*\*"), (":red[x]", r"\:red\[x\]"), ("a\n# b", r"a \# b"), ("$x$", r"\$x\$")],
)
def test_foreign_text_is_no_markdown(text: str, escaped: str) -> None:
    assert plain_markdown(text) == escaped


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("see https://example.com", r"see https\:|//example\.com"),
        ("WWW.example.com", r"WWW|\.example\.com"),
        ("me@example.com", r"me\@|example\.com"),
        ("a :material/home: b", r"a \:|material/home\: b"),
        (":streamlit:", r"\:|streamlit\:"),
        ("a -> b <= c", r"a \-|\> b \<|\= c"),
        ("a <-> b -- c", r"a \<|\-\> b \-|\- c"),
    ],
)
def test_what_is_looked_for_after_escapes_is_broken_by_an_invisible_sign(
    text: str, joined: str
) -> None:
    assert plain_markdown(text) == joined.replace("|", "\u2060")


@pytest.mark.parametrize("text", ["12:30", "gpt2-medium", "scored_pairs.json", "a - b", "a < b"])
def test_ordinary_text_gets_no_invisible_sign(text: str) -> None:
    assert "\u2060" not in plain_markdown(text)


def test_foreign_text_is_no_markup_of_a_chart() -> None:
    assert plain_label("<b>x</b>") == "&lt;b&gt;x&lt;/b&gt;"
    assert len(plain_label("x" * 100)) == 60


def test_names_that_several_have_are_told_apart_by_number() -> None:
    assert told_apart({1: "a.json", 2: "b.json", 3: "a.json"}) == {
        1: "a.json · no. 1",
        2: "b.json",
        3: "a.json · no. 3",
    }


@pytest.mark.parametrize(
    ("name", "title", "shown"),
    [
        ("stage1", "content", "Stage 1 · content"),
        ("stage12", "", "Stage 12"),
        ("round2", "own answers", "Round 2 · own answers"),
        ("warmup", "", "warmup"),
    ],
)
def test_pages_have_one_form_for_a_stage(name: str, title: str, shown: str) -> None:
    assert stage_title(name, title) == shown


def test_a_long_path_is_told_by_its_end_and_a_hub_id_whole() -> None:
    assert short_path("/srv/models/big/base") == "…/big/base"
    assert short_path("/models/base") == "/models/base"
    assert short_path("org/name") == "org/name"
