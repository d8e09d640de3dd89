import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from grice_core.dpo.encode import cut_left, encode_pairs, encode_prompts, joint
from grice_core.errors import ModelError
from tests.dpo import tiny


def ids(text):
    """One token per character; `$` stands for the end of text."""
    return tuple(0 if letter == "$" else tiny.LETTERS.index(letter) + 1 for letter in text)


def encode(*texts, max_length=64, tokenizer=None):
    return encode_pairs(tiny.table(*texts), tokenizer or tiny.tokenizer(), max_length)


def test_responses_follow_after_a_space_and_end_with_the_end_of_text():
    pair = encode(("hi.", "yes", "no")).pairs[0]
    assert pair.prompt == ids("hi.")
    assert pair.chosen == ids(" yes$")
    assert pair.rejected == ids(" no$")


def test_white_space_that_is_there_already_is_not_doubled():
    assert joint("hi ", "yes") == joint("hi", " yes") == joint("hi", "yes") == "hi yes"
    assert joint("hi\n", "yes") == "hi\nyes"
    assert joint("", "yes") == "yes"


def test_an_end_of_text_token_in_the_response_is_not_doubled():
    pair = encode(("hi.", f"yes{tiny.EOS}", "no")).pairs[0]
    assert pair.chosen == ids(" yes$")


def test_the_prompt_is_cut_from_its_left_to_the_room_of_the_longer_response():
    encoding = encode(("abcdef", "yes", "no"), ("ab", "yes", "no"), max_length=8)
    # " yes$" takes 5 of 8 tokens, so 3 are left for either response's prompt.
    assert encoding.pairs[0].prompt == ids("def")
    assert encoding.pairs[0].rejected == ids(" no$")
    assert encoding.pairs[1].prompt == ids("ab")
    assert encoding.cut_rows == (1,)


def test_a_pair_whose_responses_leave_no_prompt_token_is_skipped_by_its_row_number():
    table = tiny.table(("a", "abcdefg", "no"), ("a", "no", "abcdef"), ("a", "b", "c"), first_row=7)
    encoding = encode_pairs(table, tiny.tokenizer(), max_length=8)
    # " abcdefg$" takes 9 tokens and " abcdef$" 8, which leaves none for the prompt.
    assert encoding.skipped_rows == (7, 8)
    assert list(encoding.pairs) == [2]
    assert encoding.cut_rows == ()


def test_a_cut_prompt_keeps_its_beginning_of_text_token():
    tokenizer = tiny.tokenizer(bos_token="a")
    assert cut_left(ids("abcdef"), 6, tokenizer) == ids("abcdef")
    assert cut_left(ids("abcdef"), 3, tokenizer) == ids("aef")
    assert cut_left(ids("bcdef"), 3, tokenizer) == ids("def")
    assert cut_left(ids("abcdef"), 1, tokenizer) == ids("f")


def test_an_empty_prompt_becomes_the_end_of_text_token():
    pair = encode(("", "yes", "no")).pairs[0]
    assert pair.prompt == ids("$")
    assert pair.chosen == ids("yes$")


def test_an_empty_table_has_no_pairs():
    table = tiny.table(("a", "b", "c")).take([])
    assert encode_pairs(table, tiny.tokenizer(), 8).pairs == {}


def test_a_prompt_keeps_its_own_end_of_text_tokens():
    # As in models whose turns are separated by it.
    pair = encode((f"hi{tiny.EOS}", "yes", "no")).pairs[0]
    assert pair.prompt == ids("hi$")
    assert pair.chosen == ids(" yes$")


def test_a_tokenizer_that_closes_every_text_leaves_prompts_open():
    tokenizer = tiny.tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {tiny.EOS}", special_tokens=[(tiny.EOS, 0)]
    )
    pair = encode(("hi", "yes", "no"), tokenizer=tokenizer).pairs[0]
    assert pair.prompt == ids("hi")
    assert pair.chosen == ids(" yes$")
    assert encode_prompts(tokenizer, [f"hi{tiny.EOS}"]) == [ids("hi$")]


def test_a_tokenizer_that_opens_every_text_opens_prompts_only():
    tokenizer = tiny.tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="? $A", special_tokens=[("?", ids("?")[0])]
    )
    pair = encode(("hi", "yes", "no"), tokenizer=tokenizer).pairs[0]
    assert pair.prompt == ids("?hi")
    assert pair.chosen == ids(" yes$")


def test_a_word_across_the_border_is_taken_apart_where_generation_would_begin():
    # Without a pre-tokenizer "ab c" is a single word, of the pieces "ab " and "##c".
    vocabulary = {"[eos]": 0, "ab": 1, "ab ": 2, " c": 3, "##c": 4, "a": 5}
    words = Tokenizer(WordPiece(vocabulary, unk_token="[eos]"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="[eos]")
    pair = encode(("ab", "c", "c"), tokenizer=tokenizer).pairs[0]
    assert tokenizer("ab c")["input_ids"] == [2, 4]
    assert pair.prompt == (1,)
    assert pair.chosen == (3, 0)


def test_a_tokenizer_without_an_end_of_text_token_is_refused():
    tokenizer = tiny.tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match="no end-of-text token: set eos_token"):
        encode(("hi", "yes", "no"), tokenizer=tokenizer)
