"""Conversations: the messages of a pair in one form, whichever of TRL's forms they came in.

A message is `{"role": …, "content": …}` and whatever else a chat template may read. Its content is a
string, or a list of text parts, which become one string; a message that calls tools (`tool_calls`) needs
no content. Prompts come in two forms. *Explicit*: `prompt` holds the messages before the responses,
`chosen` and `rejected` hold the responses. *Implicit*: `chosen` and `rejected` hold whole conversations,
and the prompt is what both begin with.
"""

import json
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from grice_core.data.prompts import normalise_prompt

Message = dict[str, Any]
Messages = tuple[Message, ...]
Tools = tuple[dict[str, Any], ...]
"""Descriptions of functions that may be called, as chat templates take them."""

PART_KINDS = ("image", "audio", "video", "file", "unknown")
"""Parts of a message that are no text."""
_SEEN = ("role", "content", "tool_calls", "tool_call_id", "name", "reasoning_content", "thinking")
"""What chat templates show of a message; scores, ids and the like may differ in the same message."""


@dataclass(frozen=True)
class Conversation:
    """The messages of one pair."""

    prompt: Messages
    """Those before the responses."""
    chosen: Messages
    rejected: Messages
    tools: Tools = ()


def split_conversation(prompt: Any, chosen: Any, rejected: Any) -> Conversation | None:
    """The messages of a row; `None` if none of the three is a list of messages.

    Text beside messages becomes one turn: the user's in the prompt, the assistant's in a response.
    What is neither text nor messages becomes no turn.

    `(None, [u1, a1], [u1, a2])` → `([u1], [a1], [a2])`.
    """
    before = as_turns(prompt, "user")
    good, bad = as_turns(chosen, "assistant"), as_turns(rejected, "assistant")
    turns = zip((prompt, chosen, rejected), (before, good, bad), strict=True)
    if not any(isinstance(value, list) and messages for value, messages in turns):
        return None
    if shared := _num_shared(good, bad):
        common = tuple(map(_agreed, good[:shared], bad[:shared]))
        # A prompt that can't be read is not replaced by one that can.
        joined = _joined(before, common) if before or not prompt else ()
        return Conversation(joined, good[shared:], bad[shared:])
    return Conversation(before, _without(before, good), _without(before, bad))


def as_messages(value: Any, last_role: str = "user") -> Messages | None:
    """A non-empty list of messages with text, in one form; `None` if it is no such list.

    Text parts are joined, nulls left out. A message without a role is the user's, but the last one is
    of `last_role`.
    """
    if not isinstance(value, list) or not value:
        return None
    messages = [_message(item) for item in value]
    found = [message for message in messages if message is not None]
    if len(found) < len(messages):
        return None
    roles = ["user"] * (len(found) - 1) + [last_role]
    return tuple({"role": role} | message for role, message in zip(roles, found, strict=True))


def as_turns(value: Any, role: str) -> Messages:
    """Messages, or text as one turn of this role; none if it is neither, or blank."""
    if isinstance(value, str):
        return ({"role": role, "content": value},) if value.strip() else ()
    return as_messages(value, last_role=role) or ()


def called_function(call: Any) -> tuple[str, Any] | None:
    """Name and arguments of a tool call, `{"function": {"name", "arguments"}}` or the inner object
    alone; `None` if it is no call."""
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(name := function.get("name"), str):
        return None
    return (name, function.get("arguments")) if name else None


def part_kind(value: Any) -> str | None:
    """What messages hold besides text: one of `PART_KINDS`; `None` if it is nothing of the kind."""
    for item in value if isinstance(value, list) else ():
        content = item.get("content") if isinstance(item, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and not isinstance(part.get("text"), str):
                named = str(part.get("type") or list(part))
                return next((kind for kind in PART_KINDS if kind in named), PART_KINDS[-1])
    return None


def as_tools(value: Any) -> Tools:
    """The tools of a row, a list of objects or its JSON; none if it is something else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return ()
    if not isinstance(value, list) or not all(isinstance(tool, dict) for tool in value):
        return ()
    return tuple(value)


def _message(item: Any) -> Message | None:
    """A message with its content as text; `None` if it has none and calls no tools."""
    if not isinstance(item, dict):
        return None
    message = {k: value for k, value in item.items() if value is not None or k == "content"}
    if not isinstance(message.get("role", ""), str):
        return None
    calls = message.pop("tool_calls", None)
    if calls:
        if not isinstance(calls, list) or None in map(called_function, calls):
            return None
        message["tool_calls"] = calls
    if message.get("content") is None:
        return message | {"content": None} if calls else None
    text = _text(message["content"])
    return None if text is None else message | {"content": text}


def _text(content: Any) -> str | None:
    """A string, or a list of text parts joined; `None` if it is or has anything else."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") if isinstance(part, dict) else None for part in content]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else None


def _num_shared(chosen: Messages, rejected: Messages) -> int:
    """How many leading messages are the same, leaving each side at least its last one."""
    pairs = zip(chosen[:-1], rejected[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: _seen(pair[0]) == _seen(pair[1]), pairs))


def _seen(message: Message) -> list[Any]:
    return [message.get(key) for key in _SEEN]


def _agreed(message: Message, other: Message) -> Message:
    """What two copies of a message agree on."""
    return {key: value for key, value in message.items() if other.get(key) == value}


def _joined(prompt: Messages, shared: Messages) -> Messages:
    """The prompt and the messages that both responses begin with, none of them twice."""
    said, again = _said(prompt), _said(shared)
    starts = range(len(again) - len(said) + 1)
    if any(again[start : start + len(said)] == said for start in starts):
        return shared
    longest = min(len(said), len(again))
    overlap = next((n for n in range(longest, 0, -1) if said[-n:] == again[:n]), 0)
    return prompt[: len(prompt) - overlap] + shared


def _without(prompt: Messages, response: Messages) -> Messages:
    """A response without the prompt, if it begins by repeating it."""
    repeats = len(response) > len(prompt) and _said(response[: len(prompt)]) == _said(prompt)
    return response[len(prompt) :] if repeats else response


def _said(messages: Messages) -> list[tuple[bool, str, Any]]:
    """What messages say, by whom: white space and the names of roles other than the assistant's differ
    between copies of one prompt."""
    return [
        (
            message["role"] == "assistant",
            normalise_prompt(message["content"] or ""),
            message.get("tool_calls"),
        )
        for message in messages
    ]
