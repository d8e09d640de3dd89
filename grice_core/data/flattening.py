"""Conversations as text, which the detector, the pages and the searches see.

A single message is its content, several are one line each:

    [user]: Have you seen Tangled?
    [assistant]: I have not.

A tool call stands behind an arrow, in a line of its own behind what else the message says:

    [assistant]: → search({"title": "Tangled"})
    [tool]: A film of 2010.
"""

import json
from typing import Any

from grice_core.data.messages import Conversation, Message, Messages, called_function
from grice_core.nesting import parse_json


def flatten(conversation: Conversation) -> tuple[str, str, str]:
    """Prompt, chosen and rejected as text; what has no messages, or says nothing, is empty.

    If either response has several messages, both name their roles: else the names alone would tell one
    response from the other.
    """
    responses = conversation.chosen, conversation.rejected
    name_roles = max(map(len, responses)) > 1
    prompt = render(conversation.prompt, name_roles=len(conversation.prompt) > 1)
    chosen, rejected = (render(response, name_roles=name_roles) for response in responses)
    return prompt, chosen, rejected


def render(messages: Messages, *, name_roles: bool) -> str:
    """Messages as text, one line each; empty if none of them says anything."""
    texts = [message_text(message) for message in messages]
    if not any(text.strip() for text in texts):
        return ""
    if not name_roles:
        return "\n".join(texts)
    lines = zip(messages, texts, strict=True)
    return "\n".join(f"[{message['role']}]: {text}" for message, text in lines)


def message_text(message: Message) -> str:
    """What one message says and calls."""
    content = message["content"]
    calls = [_call_text(call) for call in message.get("tool_calls", ())]
    return "\n".join([content, *calls] if content else calls)


def _call_text(call: Any) -> str:
    """`{"function": {"name": "search", "arguments": {"q": "ferry"}}}` → `→ search({"q": "ferry"})`."""
    name, arguments = called_function(call) or ("", None)
    if isinstance(arguments, str):
        try:
            arguments = parse_json(arguments)
        except ValueError:
            return f"→ {name}({arguments})"
    written = "" if arguments is None else json.dumps(arguments, ensure_ascii=False, default=str)
    return f"→ {name}({written})"
