"""The messages of a pair, split into the prompt and the two responses, whichever of TRL's forms they came in.

*Explicit*: `prompt` holds the messages before the responses, `chosen` and `rejected` hold the responses.
*Implicit*: `chosen` and `rejected` hold whole conversations, and the prompt is what both begin with.
"""

import json
from dataclasses import replace
from itertools import takewhile
from typing import Any

from grice_core.data.messages import Conversation, Message, Messages, as_turns
from grice_core.data.prompts import normalise_prompt

_SEEN = ("role", "content", "tool_calls", "tool_call_id", "name", "reasoning_content", "thinking")
"""What chat templates show of a message; scores, ids and the like may differ in the same message."""

_Said = tuple[bool, str, Any]
"""Whether the assistant says it, what, and the tools it calls."""


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
    # A prompt that can't be read is not replaced by one that can.
    is_readable = before or not prompt or isinstance(prompt, str)
    found = _split(before, good, bad)
    return found if is_readable else replace(found, prompt=())


def _split(prompt: Messages, chosen: Messages, rejected: Messages) -> Conversation:
    """Move what both responses begin with to the prompt, and drop what repeats it, till nothing does."""
    while True:
        if shared := _num_shared(chosen, rejected):
            prompt = _joined(prompt, tuple(map(_agreed, chosen[:shared], rejected[:shared])))
        good, bad = (_without(prompt, side[shared:]) for side in (chosen, rejected))
        if len(good) == len(chosen) and len(bad) == len(rejected):
            return Conversation(prompt, chosen, rejected)
        chosen, rejected = good, bad


def _num_shared(chosen: Messages, rejected: Messages) -> int:
    """How many leading messages are the same, leaving each side at least its last one."""
    pairs = zip(chosen[:-1], rejected[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: _look_same(*pair), pairs))


def _look_same(message: Message, other: Message) -> bool:
    return message == other or _seen(message) == _seen(other)


def _seen(message: Message) -> list[Any]:
    return [message.get(key) for key in _SEEN]


def _agreed(message: Message, other: Message) -> Message:
    """What two copies of a message agree on."""
    if message == other:
        return message
    return {key: value for key, value in message.items() if other.get(key) == value}


def _joined(prompt: Messages, shared: Messages) -> Messages:
    """The prompt and the messages that both responses begin with, none of them twice."""
    said, again = _numbered(_said(prompt), _said(shared))
    if not said or len(said) in _overlaps(said, again):
        return shared
    longest = min(len(said), len(again))
    overlap = _overlaps(again[:longest], said[-longest:])[-1] if longest else 0
    return prompt[: len(prompt) - overlap] + shared


def _numbered(*lists: list[_Said]) -> list[list[int]]:
    """Each list with a number for each distinct item, the same in all."""
    numbers: dict[object, int] = {}
    return [
        [
            numbers.setdefault(
                (*who_and_text, calls and json.dumps(calls, sort_keys=True, default=str)),
                len(numbers),
            )
            for *who_and_text, calls in one
        ]
        for one in lists
    ]


def _overlaps(pattern: list[int], items: list[int]) -> list[int]:
    """(len(items),) how much of the pattern's beginning ends at each item, in linear time.

    Knuth, Morris, Pratt (1977), Fast pattern matching in strings.
    """
    joined = [*pattern, -1, *items]
    lengths = [0] * len(joined)
    for place in range(1, len(joined)):
        length = lengths[place - 1]
        while length and joined[place] != joined[length]:
            length = lengths[length - 1]
        lengths[place] = length + (joined[place] == joined[length])
    return lengths[len(pattern) + 1 :]


def _without(prompt: Messages, response: Messages) -> Messages:
    """A response without the prompt, if it begins by repeating it."""
    begun = response[: len(prompt)]
    if not 0 < len(prompt) < len(response) or _said(begun) != _said(prompt):
        return response
    # A system turn and a user's may well say the same.
    same_roles = all(a["role"] == b["role"] for a, b in zip(begun, prompt, strict=True))
    return response[len(prompt) :] if same_roles else response


def _said(messages: Messages) -> list[_Said]:
    """What messages say, by whom: in copies of a prompt white space differs, and what the user is called."""
    return [
        (
            message["role"] == "assistant",
            normalise_prompt(message["content"] or ""),
            message.get("tool_calls"),
        )
        for message in messages
    ]
