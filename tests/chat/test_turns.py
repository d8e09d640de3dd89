"""Rows in the turns of a chat template: what is rendered, and what is refused."""

from datetime import datetime

import pytest

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import Pair, Prompt
from grice_core.chat.template import TemplateRefusal
from grice_core.data.messages import Conversation
from grice_core.errors import ModelError
from tests.chat import made

NOON = datetime(2026, 3, 4, 12, 30)


def form(template, name="auto", **tokens):
    return FormatChoice(name, NOON).of(made.tokenizer(template, **tokens))


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


@pytest.mark.parametrize(
    ("template", "prompt", "answer"),
    [
        (
            made.CHATML,
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
            "Yes<|im_end|>\n",
        ),
        (
            made.LLAMA,
            "<s><|head|>user<|/head|>\n\nHi<|eot|><|head|>assistant<|/head|>\n\n",
            "Yes<|eot|>",
        ),
        (made.GEMMA, "<s><turn>user\nHi</turn>\n<turn>model\n", "Yes</turn>\n"),
        (made.MISTRAL, "<s>[INST] Hi [/INST]", " Yes</s>"),
        (made.NO_GENERATION_PROMPT, "User: Hi\n", "Assistant: Yes</s>\n"),
        (
            made.EMPTY_THOUGHT,
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
            "<think>\n\n</think>\n\nYes<|im_end|>\n",
        ),
    ],
)
def test_a_plain_pair_is_a_turn_of_the_user_and_one_of_the_assistant(template, prompt, answer):
    texts = form(template).pair(Pair("Hi", "Yes", "No"))
    assert texts.prompt == form(template).prompt(Prompt("Hi")) == prompt
    assert texts.chosen == prompt + answer
    assert texts.rejected == prompt + answer.replace("Yes", "No")
    assert not texts.is_changed


def test_messages_are_rendered_as_they_are():
    talk = Conversation(
        prompt=(
            {"role": "system", "content": "Be brief."},
            user("Hi"),
            assistant("Hello"),
            user("?"),
        ),
        chosen=(assistant("Yes"), user("Sure?"), assistant("Very.")),
        rejected=(assistant("No"),),
    )
    chat = form(made.CHATML)
    texts = chat.pair(Pair("flat", "flat", "flat", talk))
    assert (
        texts.prompt
        == chat.prompt(Prompt("flat", talk.prompt))
        == (
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\n?<|im_end|>\n"
            "<|im_start|>assistant\n"
        )
    )
    assert texts.chosen.removeprefix(texts.prompt) == (
        "Yes<|im_end|>\n<|im_start|>user\nSure?<|im_end|>\n<|im_start|>assistant\nVery.<|im_end|>\n"
    )
    assert texts.rejected.removeprefix(texts.prompt) == "No<|im_end|>\n"


def test_tools_and_tool_calls_reach_the_template():
    tool = {"type": "function", "function": {"name": "look_up"}}
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "look_up"}}]}
    talk = Conversation((user("Hi"),), (call,), (assistant("No"),), (tool,))
    texts = form(made.WITH_TOOLS).pair(Pair("Hi", "-", "No", talk))
    assert texts.prompt.startswith('<|im_start|>tools\n[{"type": "function"')
    assert texts.prompt == form(made.WITH_TOOLS).prompt(Prompt("Hi", talk.prompt, talk.tools))
    assert texts.chosen.endswith('assistant\n{"function": {"name": "look_up"}}<|im_end|>\n')


def test_thoughts_that_a_template_strips_from_history_are_stripped_in_prompt_and_pair_alike():
    before = (user("Hi"), assistant("<think>Hm.</think>Hello"), user("And?"))
    talk = Conversation(before, (assistant("<think>Well.</think>Yes"),), (assistant("No"),))
    texts = form(made.FORGETS_THOUGHTS).pair(Pair("-", "-", "-", talk))
    assert "Hm." not in texts.prompt
    assert texts.chosen.removeprefix(texts.prompt) == "<think>Well.</think>Yes<|im_end|>\n"
    assert not texts.is_changed


def test_a_response_of_which_the_template_drops_a_part_is_known():
    always = made.FORGETS_THOUGHTS.replace("m['content'] if loop.last else ", "")
    texts = form(always).pair(Pair("Hi", "<think>Well.</think>Yes", "No"))
    assert texts.chosen.removeprefix(texts.prompt) == "Yes<|im_end|>\n"
    assert texts.is_changed


@pytest.mark.parametrize(
    ("template", "talk", "reason"),
    [
        (
            made.GEMMA,
            Conversation(
                ({"role": "system", "content": "Be brief."}, user("Hi")),
                (assistant("Yes"),),
                (assistant("No"),),
            ),
            "^System role not supported$",
        ),
        (
            made.GEMMA,
            Conversation((user("Hi"), user("Hi?")), (assistant("Yes"),), (assistant("No"),)),
            "^Roles must alternate user/assistant$",
        ),
        (
            made.CHATML,
            Conversation((user("Hi"),), (assistant("Yes"),), (user("No"),)),
            r"alone otherwise than before the rejected response: 'assistant\\n' against 'user\\nNo",
        ),
        (
            made.THINKS_FIRST,
            Conversation((user("Hi"),), (assistant("Yes"),), (assistant("No"),)),
            r"before the chosen response: '<think>\\n' against 'Yes<|im_end|>\\n'",
        ),
        (
            "{% for m in messages %}{{ m['content'] + 1 }}{% endfor %}",
            Conversation((user("Hi"),), (assistant("Yes"),), (assistant("No"),)),
            "can only concatenate",
        ),
    ],
)
def test_what_a_template_does_not_render_is_refused_with_its_reason(template, talk, reason):
    with pytest.raises(TemplateRefusal, match=reason):
        form(template).pair(Pair("-", "-", "-", talk))


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (made.RAISES, "this model does not chat"),
        ("{{ messages[0]['content'] }}", "it leaves the answer out"),
        ("{% for m in messages %}", "Unexpected end of template"),
    ],
)
def test_a_template_that_can_not_render_an_answer_is_refused_as_a_whole(template, reason):
    with pytest.raises(ModelError, match=rf"chat template of made can't render .*{reason}.*=plain"):
        _ = form(template).ends


def test_a_template_among_several_is_the_one_for_tools_only_if_there_are_tools():
    several = {"default": made.CHATML, "tool_use": made.WITH_TOOLS}
    talk = Conversation((user("Hi"),), (assistant("Yes"),), (assistant("No"),))
    with_tools = Conversation(talk.prompt, talk.chosen, talk.rejected, ({"name": "look_up"},))
    chat = form(several)
    assert "Be kind." in chat.pair(Pair("-", "-", "-", talk)).prompt
    assert "look_up" in chat.pair(Pair("-", "-", "-", with_tools)).prompt


@pytest.mark.parametrize(
    ("template", "ends", "closing"),
    [
        (made.CHATML, {"<|im_end|>", "</s>"}, None),
        (made.LLAMA, {"<|eot|>", "</s>"}, None),
        (made.GEMMA, {"</turn>", "</s>"}, None),
        (made.MISTRAL, {"</s>"}, None),
        (made.NO_END, {"</s>"}, "</s>"),
    ],
)
def test_the_tokens_that_end_an_answer_are_found_by_rendering(template, ends, closing):
    chat = form(template)
    assert set(chat.tokenizer.convert_ids_to_tokens(list(chat.ends))) == ends
    assert chat.closing == (closing and chat.tokenizer.convert_tokens_to_ids(closing))


def test_a_template_with_its_own_end_needs_no_end_of_text_token():
    assert form(made.CHATML, eos_token=None).closing is None
    with pytest.raises(ModelError, match="no end-of-text token: set eos_token"):
        _ = form(made.NO_END, eos_token=None).closing


@pytest.mark.parametrize("end", ["<|im_end|>", "<|im_end|>\n", "</s>", "<|im_end|></s>\n"])
def test_an_answer_that_says_its_end_already_says_it_once(end):
    chat = form(made.CHATML)
    as_text = chat.pair(Pair("Hi", f"Yes{end}", "No"))
    talk = Conversation((user("Hi"),), (assistant(f"Yes{end}"),), (assistant("No"),))
    as_turn = chat.pair(Pair("-", "-", "-", talk))
    assert as_text == as_turn == chat.pair(Pair("Hi", "Yes", "No"))


@pytest.mark.parametrize("template", [made.CHATML, made.LLAMA, made.GEMMA, made.MISTRAL])
@pytest.mark.parametrize("cut", ["", made.BOS])
def test_a_prompt_that_is_rendered_already_is_taken_as_it_is(template, cut):
    chat = form(template)
    once = chat.pair(Pair("Hi", "Yes", "No"))
    rendered = once.prompt.removeprefix(cut)
    answer = once.chosen.removeprefix(once.prompt)
    assert chat.is_rendered(rendered)
    assert chat.prompt(Prompt(rendered)) == once.prompt
    assert chat.pair(Pair(rendered, answer, answer.replace("Yes", "No"))) == once


def test_words_that_a_template_uses_do_not_make_a_prompt_rendered():
    # This template's turns begin with ordinary words.
    chat = form(made.NO_END)
    assert not chat.is_rendered("### user:\nis how it begins")
    assert chat.is_rendered("### user:\nHi\n### assistant:\n")
    assert not form(made.CHATML).is_rendered("What does <|im_start|> mean?")


def test_the_date_that_a_template_writes_stays_that_of_the_run():
    texts = form(made.DATED).pair(Pair("Hi", "Yes", "No"))
    assert texts.prompt.startswith("<s><|head|>Today is 04 Mar 2026, 12:30:00.<|/head|>\n")
    assert texts.chosen == texts.prompt + "Yes<|im_end|>\n"
    later = FormatChoice("auto", datetime(2027, 1, 1)).of(made.tokenizer(made.DATED))
    assert later.prompt(Prompt("Hi")).startswith("<s><|head|>Today is 01 Jan 2027, 00:00:00.")


def test_a_date_is_written_as_transformers_writes_it():
    tokenizer = made.tokenizer("{{ strftime_now('%A %-d. %B %Y %j %p') }}{{ messages[0].content }}")
    ours = FormatChoice("auto", datetime.now()).of(tokenizer).prompt(Prompt("Hi"))
    assert ours == tokenizer.apply_chat_template([user("Hi")], tokenize=False)


def test_a_template_keeps_the_line_break_that_it_begins_with():
    tokenizer = made.tokenizer("\n" + made.DATED)
    assert FormatChoice().of(tokenizer).prompt(Prompt("Hi")).startswith("\n<s>")


def test_what_the_model_writes_before_its_answer_is_no_part_of_the_answer():
    assert form(made.NO_GENERATION_PROMPT).answer("Assistant: Yes") == "Yes"
    assert form(made.EMPTY_THOUGHT).answer("<think>\n\n</think>\n\nYes") == "Yes"
    assert form(made.EMPTY_THOUGHT).answer("Yes") == "Yes"
    assert form(made.CHATML).answer("Yes") == "Yes"


def test_the_format_goes_by_the_choice_and_the_template():
    assert form(None).name == form(made.CHATML, "plain").name == form(None, "plain").name == "plain"
    assert form(made.CHATML).name == form(made.CHATML, "chat").name == "chat"
    with pytest.raises(ModelError, match="prompt_format is chat, but the tokenizer of made has no"):
        form(None, "chat")


def test_a_record_tells_the_format_the_template_and_the_time_it_was_given():
    assert form(None).described() == {"is": "plain"}
    told = form(made.CHATML).described()
    assert told["is"] == "chat"
    assert len(told["template_sha256"]) == 64
    assert told["template_sha256"] != form(made.LLAMA).described()["template_sha256"]
    assert "rendered_at" not in told
    assert form(made.DATED).described()["rendered_at"] == "2026-03-04T12:30:00"
