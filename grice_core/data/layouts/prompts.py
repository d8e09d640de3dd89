"""Layouts of prompts without pairs of responses, to evaluate on."""

from typing import Any

from grice_core.data.batches import BARE
from grice_core.data.fields import TEXT_SPELLINGS
from grice_core.data.layouts.base import Found, Row, Sample, asked, text_of
from grice_core.data.layouts.chats import is_from_value, role_content
from grice_core.data.layouts.conversion import RowLayout
from grice_core.data.layouts.standard import Standard


class _Prompts(RowLayout):
    """A layout of prompts."""

    has_pairs = False


class StandardPrompts(Standard):
    """The field `prompt`, or `context`; other fields don't matter."""

    name = "prompts"
    title = "prompts"
    source = "https://huggingface.co/docs/trl/dataset_formats#prompt-only"
    has_pairs = False

    def recognises(self, sample: Sample) -> bool:
        """Text, a message or messages in one of these fields."""
        prompts = [value for name in TEXT_SPELLINGS["prompt"] for value in sample.values(name)]
        return any(isinstance(prompt, str) or _is_chat(prompt) for prompt in prompts)


class Texts(_Prompts):
    """A list of texts, or lines of a text file."""

    name = "texts"
    title = "a list of texts"
    source = "a JSON list of strings, or one prompt a line"
    moves = (BARE,)

    def recognises(self, sample: Sample) -> bool:
        """There are no fields."""
        return sample.names == {BARE}

    def found(self, row: Row) -> Found:
        """The text."""
        return Found(row.get(BARE))


class LmEvalSamples(_Prompts):
    """What lm-evaluation-harness logs of each sample."""

    name = "lm-eval"
    title = "lm-eval samples"
    source = "https://github.com/EleutherAI/lm-evaluation-harness (lm_eval/loggers/evaluation_tracker.py)"
    moves = ("arguments",)
    opens = moves

    def recognises(self, sample: Sample) -> bool:
        """The document, its arguments and the responses."""
        return (
            sample.has("doc", "arguments") and sample.names & {"resps", "filtered_resps"} != set()
        )

    def found(self, row: Row) -> Found:
        """The first request's context; a chat that was rendered as JSON becomes messages."""
        arguments = row.get("arguments")
        first = _first(arguments)
        context = _first(first) if isinstance(first, dict | list) else first
        if isinstance(context, list) and len(context) == 1 and isinstance(context[0], str):
            context = context[0]  # chat models: the JSON of messages in a list of one
        return Found(context)


class InspectSamples(_Prompts):
    """Samples of Inspect's data sets."""

    name = "inspect"
    title = "Inspect samples"
    source = "https://inspect.aisi.org.uk/datasets.html#dataset-samples"
    moves = ("input",)
    opens = moves

    def recognises(self, sample: Sample) -> bool:
        """An input and its target."""
        return sample.has("input", "target")

    def found(self, row: Row) -> Found:
        """The input, text or messages."""
        return Found(row.get("input"))


class MTBench(_Prompts):
    """MT-Bench's questions."""

    name = "mt-bench"
    title = "MT-Bench questions (their first turns)"
    source = "https://github.com/lm-sys/FastChat/tree/main/fastchat/llm_judge"
    moves = ()
    reads = ("turns", "prompt")
    opens = reads

    def recognises(self, sample: Sample) -> bool:
        """Turns, or a list of them as the prompt, and the category of the question."""
        return sample.has("category") and any(
            isinstance(turns, list) and turns and all(isinstance(turn, str) for turn in turns)
            for name in self.reads
            for turns in sample.values(name)
        )

    def found(self, row: Row) -> Found:
        """The first turn: the second one needs an answer before it."""
        return Found(_first(row.get("turns", row.get("prompt"))))


class OpenAIBatch(_Prompts):
    """Requests of OpenAI's batch interface."""

    name = "openai-batch"
    title = "OpenAI batch requests"
    source = "https://platform.openai.com/docs/guides/batch"
    moves = ()
    reads = ("body",)
    opens = reads

    def recognises(self, sample: Sample) -> bool:
        """An id and the request's body."""
        return sample.has("custom_id", "body")

    def found(self, row: Row) -> Found:
        """The messages, or the input or the prompt, of the request."""
        body = row.get("body")
        body = body if isinstance(body, dict) else {}
        prompt = next(
            (body[name] for name in ("messages", "input", "prompt") if name in body), None
        )
        return Found(asked(body.get("instructions"), prompt), tools=body.get("tools"))


class Chats(_Prompts):
    """Conversations: those that end with an answer are asked up to it."""

    name = "messages"
    title = "messages"
    source = "https://huggingface.co/docs/trl/dataset_formats#language-modeling"
    moves = ("messages", "conversations", "conversation")
    opens = moves

    def recognises(self, sample: Sample) -> bool:
        """A list of messages, of role and content or of from and value."""
        return any(
            isinstance(chat, list) and chat and _is_message(chat[0])
            for name in self.moves
            for chat in sample.values(name)
        )

    def found(self, row: Row) -> Found:
        """The messages without the last answer."""
        chat = role_content(next((row[name] for name in self.moves if name in row), None))
        while isinstance(chat, list) and len(chat) > 1 and _is_answer(chat[-1]):
            chat = chat[:-1]
        return Found(chat)


class Instructions(_Prompts):
    """AlpacaEval's instructions, and Alpaca's own."""

    name = "alpaca-eval"
    title = "Alpaca instructions (AlpacaEval)"
    source = "https://github.com/tatsu-lab/alpaca_eval#dataset"
    moves = ("instruction",)
    reads = ("input", "system")

    def recognises(self, sample: Sample) -> bool:
        """An instruction."""
        return sample.some("instruction", str)

    def found(self, row: Row) -> Found:
        """The instruction, its input in the next line."""
        return Found(asked(row.get("system"), text_of(row.get("instruction"), row.get("input"))))


class Questions(_Prompts):
    """A question a row, as most sets of questions have it."""

    name = "questions"
    title = "questions"
    source = "a field question, without an instruction"
    moves = ("question",)

    def recognises(self, sample: Sample) -> bool:
        """A text to answer."""
        return sample.some("question", str) and not sample.has("instruction")

    def found(self, row: Row) -> Found:
        """The question."""
        return Found(row.get("question"))


def _is_answer(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant"


def _is_chat(value: Any) -> bool:
    """Whether this is a message of role and content, or begins with one."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and "role" in first


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and ("role" in value or is_from_value(value))


def _first(value: Any) -> Any:
    """The first of a list or of an object's values."""
    values = value.values() if isinstance(value, dict) else value
    return (
        next(iter(values), None)
        if isinstance(values, list | tuple) or isinstance(value, dict)
        else None
    )
