import json

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import Prompt
from grice_core.data.load import load_pairs
from grice_core.dpo.encode import cut_left, encode_pairs, encode_prompts, joint
from grice_core.errors import DataError, ModelError
from tests.chat import made
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
    assert joint("hi ", " yes") == "hi yes"
    assert joint("hi\n", "yes") == "hi\nyes"
    assert joint("", "yes") == "yes"


@pytest.mark.parametrize("end", ["", tiny.EOS, f"{tiny.EOS}\n", tiny.EOS * 2])
def test_an_end_of_text_token_in_the_response_is_not_doubled(end):
    pair = encode(("hi.", f"yes{end}", "no")).pairs[0]
    assert pair.chosen == ids(" yes$")


@pytest.mark.parametrize("prefix_space", [False, True])
@pytest.mark.parametrize("prompt", ["hi", "hi ", "hi\n", ""])
@pytest.mark.parametrize("answer", ["yes", " yes"])
def test_prompt_and_response_read_as_one_text(prefix_space, prompt, answer):
    """Also where the tokenizer begins every text with a space, or joins the blank to the next word."""
    tokenizer = made.tokenizer(prefix_space=prefix_space)
    blank = tokenizer.convert_tokens_to_ids("Ġ")
    tokenizer.add_tokens(["yes"])  # a token of its own, so that the border of a blank shows
    pair = encode((prompt, answer, "no"), tokenizer=tokenizer).pairs[0]
    read = made.text(tokenizer, (*pair.prompt, *pair.chosen))
    assert pair.prompt == encode_prompts(tokenizer, [prompt])[0]
    expected = joint(prompt, answer) + made.EOS
    assert read.removeprefix(made.EOS if not prompt else "").strip() == expected.strip()
    assert pair.chosen.count(blank) <= 1


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


CONVERSATIONS = [
    {
        "prompt": [{"role": "user", "content": "Hi?"}],
        "chosen": [{"role": "assistant", "content": "Yes, here."}],
        "rejected": [{"role": "assistant", "content": "No"}],
    },
    {
        "chosen": [
            {"role": "user", "content": "Who?"},
            {"role": "assistant", "content": " Me. "},
            {"role": "user", "content": "And?"},
            {"role": "assistant", "content": "You."},
        ],
        "rejected": [
            {"role": "user", "content": "Who?"},
            {"role": "assistant", "content": " Me. "},
            {"role": "user", "content": "And?"},
            {"role": "assistant", "content": "No one"},
        ],
    },
]
SYSTEM = {
    "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi?"}],
    "chosen": [{"role": "assistant", "content": "Yes."}],
    "rejected": [{"role": "assistant", "content": "No."}],
}


def conversations(tmp_path, *rows):
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(rows))
    return load_pairs(path).table


CHATTING = {
    "chatml": made.CHATML,
    "llama": made.LLAMA,
    "gemma": made.GEMMA,
    "mistral": made.MISTRAL,
    "no generation prompt": made.NO_GENERATION_PROMPT,
    "forgets thoughts": made.FORGETS_THOUGHTS,
    "empty thought": made.EMPTY_THOUGHT,
}


@pytest.mark.parametrize("template", CHATTING.values(), ids=CHATTING)
def test_conversations_have_the_token_ids_that_transformers_gives_them(tmp_path, template):
    """As TRL 1.16 takes them: the prompt's, and what the whole conversation has beyond them."""
    tokenizer = made.tokenizer(template, opens=True)
    table = conversations(tmp_path, *CONVERSATIONS)
    pairs = encode_pairs(table, tokenizer, 1000).pairs
    for pair, talk in zip(pairs.values(), table.conversations, strict=True):
        prompt = tokenizer.apply_chat_template(list(talk.prompt), add_generation_prompt=True)
        assert list(pair.prompt) == prompt["input_ids"]
        for response, messages in ((pair.chosen, talk.chosen), (pair.rejected, talk.rejected)):
            whole = tokenizer.apply_chat_template([*talk.prompt, *messages])
            assert [*pair.prompt, *response] == whole["input_ids"]
    asked = encode_prompts(
        tokenizer,
        [
            Prompt(text, talk.prompt)
            for text, talk in zip(table.prompts, table.conversations, strict=True)
        ],
    )
    assert asked == [pair.prompt for pair in pairs.values()]


@pytest.mark.parametrize("template", CHATTING.values(), ids=CHATTING)
@pytest.mark.parametrize("name", ["chat", "plain"])
def test_there_is_one_beginning_of_text_at_most_however_the_prompt_comes(template, name):
    tokenizer = made.tokenizer(template, opens=True)
    form = FormatChoice(name).of(tokenizer)
    (rendered,) = (FormatChoice("chat").of(tokenizer).prompt(Prompt("Hi")),)
    prompts = ["Hi", rendered, made.BOS + rendered.removeprefix(made.BOS), made.BOS * 2 + "Hi"]
    num_expected = 1 if name == "plain" or made.BOS in rendered else 0
    table = tiny.table(*((prompt, "Yes", "No") for prompt in prompts[:2]))
    encoded = [pair.prompt for pair in encode_pairs(table, tokenizer, 1000, form).pairs.values()]
    assert encoded == encode_prompts(tokenizer, prompts[:2], form)
    assert {ids.count(tokenizer.bos_token_id) for ids in encoded} == {num_expected}
    if num_expected:
        again = encode_prompts(tokenizer, prompts[2:], form)
        assert {ids.count(tokenizer.bos_token_id) for ids in again} == {1}


def test_a_response_in_turns_ends_as_the_template_ends_it_or_with_the_end_of_text():
    for template, end in ((made.LLAMA, "<|eot|>"), (made.NO_END, "\n</s>")):
        tokenizer = made.tokenizer(template)
        pair = encode_pairs(tiny.table(("Hi", "Yes", "No")), tokenizer, 1000).pairs[0]
        assert made.text(tokenizer, pair.chosen) == f"Yes{end}"


def test_a_long_prompt_in_turns_is_cut_behind_its_beginning_of_text_and_no_response_is():
    tokenizer = made.tokenizer(made.LLAMA)
    table = tiny.table(("Hi" * 50, "Yes", "No"), ("Hi", "Yes" * 50, "No"))
    encoding = encode_pairs(table, tokenizer, 41)
    assert encoding.cut_rows == (1,)
    assert encoding.skipped_rows == (2,)
    pair = encoding.pairs[0]
    assert len(pair.prompt) + len(pair.chosen) == 41
    assert made.text(tokenizer, pair.prompt).startswith("<s>Hi")
    assert made.text(tokenizer, pair.chosen) == "Yes<|eot|>"


def test_a_word_across_the_border_of_a_turn_is_taken_apart_where_generation_would_begin():
    tokenizer = made.tokenizer(made.NO_END)
    tokenizer.add_tokens(["\nY"])  # prompts end with the line break, chosen responses begin with Y
    table = tiny.table(("Hi", "Yes", "No"))
    pair = encode_pairs(table, tokenizer, 1000).pairs[0]
    assert pair.prompt == encode_prompts(tokenizer, ["Hi"])[0]
    assert made.text(tokenizer, (*pair.prompt, *pair.chosen)).endswith("### assistant:\nYes\n</s>")


def test_a_row_that_the_template_refuses_is_named_with_the_reason(tmp_path):
    table = conversations(tmp_path, CONVERSATIONS[0], SYSTEM)
    with pytest.raises(
        DataError, match=r"row 2: .* template of made .*\(System role not supported\)"
    ):
        encode_pairs(table, made.tokenizer(made.GEMMA), 1000)
    assert len(encode_pairs(table, made.tokenizer(made.CHATML), 1000).pairs) == 2
    system = tuple(SYSTEM["prompt"])
    with pytest.raises(DataError, match=r"prompt 2 \('Hi'\): .*System role"):
        encode_prompts(made.tokenizer(made.GEMMA), ["Hi", Prompt("Hi", system)])


def test_plain_format_reads_the_text_and_not_the_messages(tmp_path):
    table = conversations(tmp_path, CONVERSATIONS[0])
    tokenizer = made.tokenizer(made.CHATML)
    pair = encode_pairs(table, tokenizer, 1000, FormatChoice("plain").of(tokenizer)).pairs[0]
    assert made.text(tokenizer, pair.prompt) == "Hi?"
    assert made.text(tokenizer, pair.chosen) == " Yes, here.</s>"


def test_rows_of_which_the_template_drops_a_part_are_told():
    template = made.FORGETS_THOUGHTS.replace("m['content'] if loop.last else ", "")
    table = tiny.table(("Hi", "Yes", "No"), ("Hi", "<think>Hm.</think>Yes", "No"))
    assert encode_pairs(table, made.tokenizer(template), 1000).changed_rows == (2,)
