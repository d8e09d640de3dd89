"""What the detector and the pages read of a conversation."""

import json

from grice_core.data.flattening import flatten, message_text
from grice_core.data.messages import Conversation, Message

USER = {"role": "user", "content": "Seen it?"}
BEFORE = {"role": "assistant", "content": "I like films."}
YES = {"role": "assistant", "content": "Yes."}
NO = {"role": "assistant", "content": "No."}


def texts(
    prompt: list[Message], chosen: list[Message], rejected: list[Message]
) -> tuple[str, str, str]:
    return flatten(Conversation(tuple(prompt), tuple(chosen), tuple(rejected)))


def test_a_single_message_is_its_content() -> None:
    assert texts([USER], [YES], [NO]) == ("Seen it?", "Yes.", "No.")


def test_several_messages_are_one_line_each() -> None:
    assert texts([BEFORE, USER], [YES], [NO])[0] == "[assistant]: I like films.\n[user]: Seen it?"


def test_roles_are_named_on_both_sides_or_on_neither() -> None:
    _, chosen, rejected = texts([USER], [YES, USER, NO], [NO])

    assert chosen == "[assistant]: Yes.\n[user]: Seen it?\n[assistant]: No."
    assert rejected == "[assistant]: No."


def test_a_tool_call_shows_its_name_and_arguments() -> None:
    arguments = {"q": "Fähre", "pier": 2}
    as_object, as_text = (
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "find", "arguments": written}}],
        }
        for written in (arguments, json.dumps(arguments))
    )

    assert message_text(as_object) == message_text(as_text) == '→ find({"q": "Fähre", "pier": 2})'


def test_calls_stand_below_what_is_said() -> None:
    calls = [{"name": "now"}, {"name": "find", "arguments": "no JSON"}]
    message = {"role": "assistant", "content": "Let me see.", "tool_calls": calls}

    assert message_text(message) == "Let me see.\n→ now()\n→ find(no JSON)"
    assert texts([USER], [message], [YES])[1] == message_text(message)
    assert texts([USER, message], [YES], [NO])[0] == (
        "[user]: Seen it?\n[assistant]: Let me see.\n→ now()\n→ find(no JSON)"
    )


def test_messages_that_say_nothing_are_no_text() -> None:
    empty = {"role": "assistant", "content": " "}

    assert texts([USER], [empty, empty], [YES, USER, NO])[1] == ""
