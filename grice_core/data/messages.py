"""TRL's conversational form, flattened to text.

A message is `{"role": …, "content": …}`; the content is a string, or a list of text parts. A list of
messages becomes text in one way: a single message is its content, several are one line each,

    [user]: Have you seen Tangled?
    [assistant]: I have not.

Prompts come in two forms. *Explicit*: `prompt` holds the messages before the response, `chosen` and
`rejected` hold the response. *Implicit*: `chosen` and `rejected` hold whole conversations, and the
prompt is the messages that both begin with.
"""

from itertools import takewhile
from typing import Any

Message = dict[str, Any]


def flatten(prompt: Any, chosen: Any, rejected: Any) -> tuple[Any, Any, Any]:
    """Prompt, chosen and rejected as text; what is no list of messages is passed through.

    `(None, [u1, a1], [u1, a2])` → the texts of `([u1], [a1], [a2])`.
    """
    if is_conversation(chosen) and is_conversation(rejected):
        shared = _num_shared(chosen, rejected)
        prompt = _join_prompt(prompt, chosen[:shared])
        chosen, rejected = chosen[shared:], rejected[shared:]
    return _text(prompt), _text(chosen), _text(rejected)


def is_conversation(value: Any) -> bool:
    """Whether this is a non-empty list of messages with text content."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and _content(item) is not None for item in value)
    )


def _num_shared(chosen: list[Message], rejected: list[Message]) -> int:
    """How many leading messages are the same, leaving each side at least its last one."""
    pairs = zip(chosen[:-1], rejected[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _join_prompt(prompt: Any, shared: list[Message]) -> Any:
    """The prompt together with the shared messages, none of them twice."""
    if not shared:
        return prompt
    if prompt is None or _repeats(prompt, shared):
        return shared
    if is_conversation(prompt):
        return [*prompt, *shared]
    return [{"role": "user", "content": prompt}, *shared] if isinstance(prompt, str) else prompt


def _repeats(prompt: Any, shared: list[Message]) -> bool:
    """Whether the shared messages already say what the prompt says."""
    if is_conversation(prompt):
        return bool(shared[: len(prompt)] == prompt)
    return any(_content(message) == prompt for message in shared)


def _text(value: Any) -> Any:
    if not is_conversation(value):
        return value
    if len(value) == 1:
        return _content(value[0])
    return "\n".join(f"[{message.get('role', 'user')}]: {_content(message)}" for message in value)


def _content(message: Message) -> str | None:
    """A message's text; `None` if it has none, or has other things than text."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        return None
    parts = [part.get("text") if isinstance(part, dict) else None for part in content]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else None
