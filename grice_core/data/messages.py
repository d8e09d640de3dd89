"""Messages in one form, and the conversation that those of a pair make.

A message is `{"role": …, "content": …}` and whatever else a chat template may read. Its content is a
string, or a list of text parts, which become one string; a message that calls tools (`tool_calls`) needs
no content.
"""

from dataclasses import dataclass
from typing import Any

from grice_core.nesting import check_depth, parse_json

Message = dict[str, Any]
Messages = tuple[Message, ...]
Tools = tuple[dict[str, Any], ...]
"""Descriptions of functions that may be called, as chat templates take them."""

PART_KINDS = ("image", "audio", "video", "file", "unknown")
"""Parts of a message that are no text."""


@dataclass(frozen=True)
class Conversation:
    """The messages of one pair."""

    prompt: Messages
    """Those before the responses."""
    chosen: Messages
    rejected: Messages
    tools: Tools = ()


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
    *others, last = found
    return (*(_with_role(message, "user") for message in others), _with_role(last, last_role))


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
            value = parse_json(value)
        except ValueError:
            return ()
    if not isinstance(value, list) or not all(isinstance(tool, dict) for tool in value):
        return ()
    check_depth(value)
    return tuple(value)


def _message(item: Any) -> Message | None:
    """A message with its content as text; `None` if it has none and calls no tools."""
    if not isinstance(item, dict):
        return None
    if _is_plain(item):
        return item
    check_depth(item)
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


def _is_plain(item: Message) -> bool:
    """Whether there is nothing to be put in order, as in most messages."""
    return (
        isinstance(item.get("content"), str)
        and isinstance(item.get("role"), str)
        and "tool_calls" not in item
        and None not in item.values()
    )


def _with_role(message: Message, role: str) -> Message:
    return message if "role" in message else {"role": role} | message


def _text(content: Any) -> str | None:
    """A string, or a list of text parts joined; `None` if it is or has anything else."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") if isinstance(part, dict) else None for part in content]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else None
