"""Columns of conversations: found in a file's fields, kept as JSON, opened again."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from grice_core.data.flattening import flatten, render
from grice_core.data.json_column import decoded, json_array
from grice_core.data.messages import Conversation, Messages, as_tools
from grice_core.data.splitting import split_conversation

STORED_AS = "_messages"
"""The field of a stored file that keeps a pair's conversation beside its texts: an object with the lists
`prompt`, `chosen`, `rejected`."""
FORMERLY_STORED_AS = "original_messages"
"""What earlier versions kept there: those of the three that were lists, as they came, not split."""
TOOLS = "tools"
"""The field with a conversational row's tools."""

Texts = tuple[str, str, str]
"""Prompt, chosen, rejected."""


def conversation_array(conversations: Sequence[Conversation | None]) -> pa.Array:
    """(N,) conversations as JSON, null where there is none; their tools stay in their own field."""
    return json_array([found and as_json(found) for found in conversations])


def as_json(conversation: Conversation) -> dict[str, Messages]:
    """The messages as they are kept."""
    return {
        "prompt": conversation.prompt,
        "chosen": conversation.chosen,
        "rejected": conversation.rejected,
    }


def canonical_json(conversation: Conversation | None) -> bytes:
    """One line that is the same for the same messages and tools, whatever the order of their keys."""
    document = conversation and [as_json(conversation), conversation.tools]
    return json.dumps(document, sort_keys=True, default=str).encode() + b"\n"


def open_conversations(array: pa.ChunkedArray) -> list[Conversation | None]:
    """(N,) what `conversation_array` keeps."""
    return [
        None
        if kept is None
        else Conversation(tuple(kept["prompt"]), tuple(kept["chosen"]), tuple(kept["rejected"]))
        for kept in decoded(array)
    ]


def with_tools(
    conversations: list[Conversation | None], tools: list[Any] | pa.Array | pa.ChunkedArray | None
) -> list[Conversation | None]:
    """(N,) conversations with what stands in the field `TOOLS` of their rows, if there is one."""
    if tools is None or not any(conversations):
        return conversations
    return [
        replace(found, tools=as_tools(own)) if found else None
        for found, own in zip(conversations, json_values(tools), strict=True)
    ]


def split_kept(kept: Any, texts: Texts) -> Conversation | None:
    """What any version kept of a row; `texts` are the row's, and fill in what was no list."""
    if not is_kept(kept):
        return None
    chosen, rejected = kept.get("chosen", texts[1]), kept.get("rejected", texts[2])
    if "prompt" in kept:
        return split_conversation(kept["prompt"], chosen, rejected)
    implicit = split_conversation(None, chosen, rejected)
    if implicit is None or flatten(implicit)[0] == texts[0]:
        return implicit
    # A text came before the messages; it is what the flattened prompt has before them.
    tail = render(implicit.prompt, name_roles=True)
    before = texts[0].removesuffix(f"\n{tail}").removeprefix("[user]: ") if tail else texts[0]
    return split_conversation(before, chosen, rejected)


def is_kept(value: Any) -> bool:
    """Whether this is a conversation as we keep it, and no field of a user's that has its name."""
    return (
        isinstance(value, dict)
        and len(value) > 0
        and value.keys() <= {"prompt", "chosen", "rejected"}
        and all(isinstance(messages, list) for messages in value.values())
    )


def json_values(column: pa.Array | pa.ChunkedArray | list[Any]) -> list[Any]:
    """The values of a column as they were in JSON."""
    if isinstance(column, list):
        return column
    values = decoded(column)
    return (
        values
        if isinstance(column.type, pa.JsonType)
        else [_without_nulls(value) for value in values]
    )


def _without_nulls(value: Any) -> Any:
    """A value of Arrow's without the keys that it only has since other rows have them.

    A message keeps its empty content, which tells a tool call that came with one.
    """
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_nulls(one)
        for key, one in value.items()
        if one is not None or key == "content"
    }
