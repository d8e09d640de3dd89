import pytest

from grice_core.demo.tokenizer import fast_tokenizer
from grice_core.dpo.encode import joint
from tests.demo.talk import ABOUT_THE_OPENING
from tests.demo.tiny import tiny_tokenizer

PROMPT = ABOUT_THE_OPENING.prompt


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def test_any_text_comes_back_as_it_was(tokenizer):
    fast = fast_tokenizer(tokenizer)
    for text in (PROMPT, "naïve “quotes” 🌉", "  two  spaces\n"):
        assert fast.decode(fast(text)["input_ids"]) == text


def test_the_fixed_parts_of_a_prompt_are_one_token_each(tokenizer):
    tokens = fast_tokenizer(tokenizer).tokenize(PROMPT)
    assert tokens[:3] == ["Context:", "Ġ[agent_1]:", "ĠWhen"]
    assert tokens[-1] == "ĊĊGenerateĠaĠcooperativeĠresponse:"


def test_a_prompt_has_the_same_tokens_with_and_without_its_response(tokenizer):
    fast = fast_tokenizer(tokenizer)
    alone = fast(PROMPT)["input_ids"]
    whole = fast(joint(PROMPT, "It was opened in 1923."))["input_ids"]
    assert whole[: len(alone)] == alone


def test_padding_is_not_the_end_of_a_text(tokenizer):
    fast = fast_tokenizer(tokenizer)
    assert fast.pad_token_id != fast.eos_token_id


def test_the_same_texts_give_the_same_tokenizer(tokenizer):
    assert tiny_tokenizer().to_str() == tokenizer.to_str()
