"""Which tokens give way when a text is too long, and which are the response's."""

import pytest

from grice_core.detector.encode import EncodedText, TextEncoder
from grice_core.detector.template import JudgedText, Template
from tests.detector import tiny

TOKENIZER = tiny.tokenizer()
TEXT = JudgedText("where do cats sleep", "on the mat", "the sun")


def encode(max_length: int, text: JudgedText = TEXT) -> EncodedText:
    return TextEncoder(TOKENIZER, Template(), max_length).encode([text])[0]


def words(encoded: EncodedText) -> str:
    return " ".join(TOKENIZER.convert_ids_to_tokens(encoded.token_ids.tolist()))


@pytest.mark.parametrize(
    ("max_length", "expected"),
    [
        (17, "[CLS] Context : where do cats sleep Evidence : the sun Response : on the mat [SEP]"),
        (15, "[CLS] Context : cats sleep Evidence : the sun Response : on the mat [SEP]"),
        (13, "[CLS] Context : Evidence : the sun Response : on the mat [SEP]"),
        (12, "[CLS] Context : Evidence : sun Response : on the mat [SEP]"),
        (11, "[CLS] Context : Evidence : Response : on the mat [SEP]"),
    ],
)
def test_the_context_is_cut_from_its_left_then_the_evidence(max_length: int, expected: str) -> None:
    encoded = encode(max_length)
    assert words(encoded) == expected
    assert not encoded.response_cut


def test_only_a_response_too_long_by_itself_loses_its_end() -> None:
    encoded = encode(10)
    assert words(encoded) == "[CLS] Context : Evidence : Response : on the [SEP]"
    assert encoded.response_cut


def test_the_mask_marks_the_responses_tokens() -> None:
    encoded = encode(12)
    marked = [
        word
        for word, is_response in zip(words(encoded).split(), encoded.response_mask, strict=True)
        if is_response
    ]
    assert marked == ["on", "the", "mat"]


def test_a_special_token_in_a_text_is_only_text() -> None:
    encoded = encode(64, JudgedText("no", "yes [SEP] no"))
    assert words(encoded) == "[CLS] Context : no Response : yes [ [UNK] ] no [SEP]"


def test_an_empty_context_is_no_trouble() -> None:
    assert words(encode(64, JudgedText("", "yes"))) == "[CLS] Context : Response : yes [SEP]"


def test_progress_counts_texts() -> None:
    seen: list[tuple[str, int, int]] = []
    encoder = TextEncoder(TOKENIZER, Template(), 64)
    encoder.encode([TEXT] * 1500, lambda task, done, total: seen.append((task, done, total)))
    assert seen == [("tokenizing", 1024, 1500), ("tokenizing", 1500, 1500)]
