"""Layouts with a chat on one side and two answers on the other: OpenAI, LLaMA-Factory, axolotl, ShareGPT, Anthropic."""

from typing import Any

from grice_core.data.layouts.base import Found, Row, Sample, asked, items_of, text_of
from grice_core.data.layouts.conversion import RowLayout, opened
from grice_core.data.layouts.transcripts import is_transcript, transcript

_ANSWERS = ("chosen", "rejected")
_ANSWER_SPELLINGS = (*_ANSWERS, "chosen_response", "rejected_response")


class OpenAIPreference(RowLayout):
    """What OpenAI, Azure and Together take for preference tuning."""

    name = "openai-preference"
    title = "OpenAI preference"
    source = "https://platform.openai.com/docs/guides/direct-preference-optimization"
    moves = ("input", "preferred_output", "non_preferred_output")
    opens = moves

    def recognises(self, sample: Sample) -> bool:
        """Both outputs are there."""
        return sample.has(*self.moves)

    def found(self, row: Row) -> Found:
        """The input's messages and tools, and the messages of both outputs."""
        given = row.get("input")
        given = given if isinstance(given, dict) else {"messages": given}
        return Found(
            given.get("messages"),
            row.get("preferred_output"),
            row.get("non_preferred_output"),
            given.get("tools"),
        )


class Alpaca(RowLayout):
    """LLaMA-Factory's Alpaca layout with a pair of answers."""

    name = "alpaca"
    title = "LLaMA-Factory, Alpaca with chosen and rejected"
    source = "https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md#preference-dataset"
    moves = ("instruction", "input", "system", "system_prompt", "history", *_ANSWER_SPELLINGS)
    opens = ("history",)

    def recognises(self, sample: Sample) -> bool:
        """An instruction and both answers."""
        return sample.has("instruction") and _has_answers(sample)

    def found(self, row: Row) -> Found:
        """The instruction, its input in the next line; behind system and history if there are any."""
        prompt: Any = text_of(row.get("instruction"), row.get("input"))
        if history := row.get("history"):
            prompt = [*_turns(history), {"role": "user", "content": prompt}]
        return Found(asked(row.get("system") or row.get("system_prompt"), prompt), *_answers(row))


class AxolotlQuestion(RowLayout):
    """axolotl's `chatml.intel` and `chatml.icr`: a question or an input, maybe behind a system message."""

    name = "axolotl"
    title = "axolotl, question or input with chosen and rejected"
    source = "https://docs.axolotl.ai/docs/rlhf.html#chatml.intel"
    moves = ("question", "input", "system", *_ANSWER_SPELLINGS)

    def recognises(self, sample: Sample) -> bool:
        """A text to answer and both answers, and no instruction."""
        has_text = sample.some("question", str) or sample.some("input", str)
        return has_text and not sample.has("instruction") and _has_answers(sample)

    def found(self, row: Row) -> Found:
        """The question, else the input."""
        prompt = row.get("question", row.get("input"))
        return Found(asked(row.get("system"), prompt), *_answers(row))


class MessagesPreference(RowLayout):
    """LLaMA-Factory's OpenAI layout and axolotl's `chat_template`: messages, and an answer on each side."""

    name = "messages-preference"
    title = "Messages with chosen and rejected (LLaMA-Factory openai, axolotl chat_template)"
    source = "https://docs.axolotl.ai/docs/rlhf.html#chat_template.default"
    moves = ("messages", "system", *_ANSWER_SPELLINGS)
    opens = ("messages", *_ANSWER_SPELLINGS)

    def recognises(self, sample: Sample) -> bool:
        """A list of messages and both answers."""
        return sample.some("messages", list) and _has_answers(sample)

    def found(self, row: Row) -> Found:
        """The messages as the prompt."""
        return Found(asked(row.get("system"), row.get("messages")), *_answers(row))


class ShareGPT(RowLayout):
    """Messages of `from` and `value`, as ShareGPT's exports and LLaMA-Factory have them."""

    name = "sharegpt"
    title = "ShareGPT with chosen and rejected"
    source = "https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md#sharegpt-format"
    moves = ("conversations", "conversation", "prompt", "system", *_ANSWER_SPELLINGS)
    opens = ("conversations", "conversation", "prompt", *_ANSWER_SPELLINGS)

    def recognises(self, sample: Sample) -> bool:
        """Both answers, and `from` and `value` in them or before them."""
        fields = ("conversations", "conversation", *_ANSWER_SPELLINGS)
        chats = (value for name in fields for value in sample.values(name))
        return _has_answers(sample) and any(is_from_value(chat) for chat in chats)

    def found(self, row: Row) -> Found:
        """The conversation as the prompt."""
        prompt = row.get("conversations", row.get("conversation", row.get("prompt")))
        return Found(
            asked(row.get("system"), role_content(prompt)), *map(role_content, _answers(row))
        )


class AnthropicHH(RowLayout):
    """Anthropic's helpful and harmless dialogues: two transcripts that begin alike."""

    name = "anthropic-hh"
    title = "Anthropic HH"
    source = "https://huggingface.co/datasets/Anthropic/hh-rlhf"
    moves = _ANSWERS

    def recognises(self, sample: Sample) -> bool:
        """Transcripts of Human and Assistant on both sides, and no prompt."""
        texts = [value for name in _ANSWERS for value in sample.values(name)]
        has_sides = sample.has(*_ANSWERS) and not sample.has("prompt")
        return has_sides and bool(texts) and all(map(is_transcript, texts))

    def found(self, row: Row) -> Found:
        """Both as messages; what they have in common is the prompt."""
        return Found(None, *(transcript(row.get(name)) for name in _ANSWERS))


_FROM = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bing", "bard", "model"), "assistant"),
    **dict.fromkeys(("observation", "tool", "function_response"), "tool"),
}


def is_from_value(chat: Any) -> bool:
    """Whether this is ShareGPT's message, or a list that begins with one."""
    first = chat[0] if isinstance(chat, list) and chat else chat
    return isinstance(first, dict) and {"from", "value"} <= first.keys()


def role_content(chat: Any) -> Any:
    """ShareGPT's messages with the usual keys; anything else as it came."""
    if isinstance(chat, list):
        return [_message(one) for one in chat]
    return [_message(chat)] if is_from_value(chat) else chat


def _message(message: Any) -> Any:
    if not is_from_value(message):
        return message
    speaker, value = message["from"], message["value"]
    if speaker == "function_call":
        calls = opened(value)
        calls = calls if isinstance(calls, list) else [calls]
        if all(isinstance(call, dict) for call in calls):
            calls = [{"type": "function", "function": call} for call in calls]
            return {"role": "assistant", "content": None, "tool_calls": calls}
    return {"role": _FROM.get(str(speaker), speaker), "content": value}


def _turns(history: Any) -> list[Any]:
    """LLaMA-Factory's pairs of question and answer as messages."""
    return [
        {"role": role, "content": said}
        for turn in items_of(history)
        for role, said in zip(("user", "assistant"), items_of(turn), strict=False)
    ]


def _has_answers(sample: Sample) -> bool:
    return any(sample.has(*names) for names in (_ANSWERS, ("chosen_response", "rejected_response")))


def _answers(row: Row) -> tuple[Any, Any]:
    chosen, rejected = (row.get(side, row.get(f"{side}_response")) for side in _ANSWERS)
    return chosen, rejected
