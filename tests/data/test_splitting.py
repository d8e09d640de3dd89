"""Whichever form its messages come in, a pair ends up as one conversation."""

from typing import Any

import pytest

from grice_core.data.messages import Conversation, Message
from grice_core.data.splitting import split_conversation

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "Seen it?"}
BEFORE = {"role": "assistant", "content": "I like films."}
YES = {"role": "assistant", "content": "Yes."}
NO = {"role": "assistant", "content": "No."}
CALL = {"function": {"name": "search", "arguments": {"title": "Tangled"}}}


def conversation(
    prompt: list[Message], chosen: list[Message], rejected: list[Message]
) -> Conversation:
    return Conversation(tuple(prompt), tuple(chosen), tuple(rejected))


SPLIT = conversation([USER], [YES], [NO])


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected"),
    [
        ([USER], [YES], [NO]),
        (None, [USER, YES], [USER, NO]),
        ([], [USER, YES], [USER, NO]),
        ("", [USER, YES], [USER, NO]),
        (" \n", [USER, YES], [USER, NO]),
        ("Seen it?", [YES], [NO]),
        ([USER], "Yes.", "No."),
        ([USER], [YES], "No."),
    ],
)
def test_all_forms_of_a_pair_give_the_same_conversation(
    prompt: Any, chosen: Any, rejected: Any
) -> None:
    assert split_conversation(prompt, chosen, rejected) == SPLIT


@pytest.mark.parametrize("prompt", ["Seen it?", "Seen it?\n", " Seen  it?", [USER]])
def test_a_prompt_that_the_responses_repeat_stands_once(prompt: Any) -> None:
    assert split_conversation(prompt, [USER, YES], [USER, NO]) == SPLIT


def test_a_prompt_that_one_response_repeats_stands_once() -> None:
    assert split_conversation([USER], [USER, YES], [NO]) == SPLIT
    assert split_conversation("Seen it?", [USER, YES], "No.") == SPLIT


def test_a_prompt_that_says_more_than_the_responses_repeat_is_kept_whole() -> None:
    found = split_conversation([SYSTEM, USER], [USER, YES], [USER, NO])

    assert found == conversation([SYSTEM, USER], [YES], [NO])


def test_a_prompt_is_found_among_the_messages_that_the_responses_begin_with() -> None:
    found = split_conversation("Seen it?", [SYSTEM, BEFORE, USER, YES], [SYSTEM, BEFORE, USER, NO])

    assert found == conversation([SYSTEM, BEFORE, USER], [YES], [NO])


def test_a_user_who_says_what_the_assistant_said_is_no_repetition() -> None:
    echo = {"role": "user", "content": "I like films."}

    found = split_conversation([USER, BEFORE], [echo, YES], [echo, NO])

    assert found == conversation([USER, BEFORE, echo], [YES], [NO])


def test_a_users_turn_that_says_what_the_system_said_is_no_repetition() -> None:
    echo = {"role": "user", "content": "Be brief."}

    found = split_conversation(None, [SYSTEM, echo, YES], [SYSTEM, NO])

    assert found == conversation([SYSTEM], [echo, YES], [NO])


def test_messages_that_go_on_from_the_prompt_come_behind_it() -> None:
    found = split_conversation([BEFORE], [USER, YES], [USER, NO])

    assert found == conversation([BEFORE, USER], [YES], [NO])


def test_equal_conversations_keep_their_last_message_as_response() -> None:
    assert split_conversation(None, [USER, YES], [USER, YES]) == conversation([USER], [YES], [YES])


def test_splitting_again_changes_nothing() -> None:
    forms: list[tuple[Any, Any, Any]] = [
        ([USER], [YES], [NO]),
        (None, [SYSTEM, USER, YES, USER, NO], [SYSTEM, USER, NO]),
        ([USER], [USER, USER, YES, USER], [NO]),
        ("Seen it?", [USER, USER, BEFORE, YES], [USER, BEFORE, NO]),
    ]
    for found in (split_conversation(*form) for form in forms):
        assert found is not None
        assert split_conversation(*map(list, (found.prompt, found.chosen, found.rejected))) == found


def test_copies_of_a_message_are_one_though_their_scores_and_ids_differ() -> None:
    chosen = [USER | {"score": 1, "lang": "en"}, YES | {"score": 9}]
    rejected = [USER | {"score": 2, "lang": "en"}, NO]

    assert split_conversation(None, chosen, rejected) == conversation(
        [USER | {"lang": "en"}], [YES | {"score": 9}], [NO]
    )


@pytest.mark.parametrize("key", ["name", "tool_call_id", "reasoning_content"])
def test_messages_that_a_template_shows_otherwise_are_two(key: str) -> None:
    found = split_conversation(None, [USER | {key: "a"}, YES], [USER | {key: "b"}, NO])

    assert found is not None
    assert found.prompt == ()


def test_tool_calls_and_their_results_are_messages() -> None:
    called = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    result = {"role": "tool", "content": "2010", "tool_call_id": "1"}

    found = split_conversation(None, [USER, called, result, YES], [USER, called, result, NO])

    assert found == conversation([USER, called, result], [YES], [NO])


def test_a_message_without_a_role_is_the_users_and_a_responses_last_one_the_assistants() -> None:
    question, answer, other = ({"content": text} for text in ("Seen it?", "Yes.", "No."))

    assert split_conversation(None, [question, answer], [question, other]) == SPLIT


def test_plain_rows_have_no_conversation() -> None:
    assert split_conversation("Seen it?", "Yes.", "No.") is None
    assert split_conversation(["Seen it?"], "Yes.", "No.") is None


def test_thousands_of_messages_cost_as_much_as_they_are_long() -> None:
    before = [{"role": "user", "content": "x"}] * 40_000
    asked, shared = [*before, {"role": "user", "content": "y"}], before[:20_000]
    good, bad = ({"role": "assistant", "content": text} for text in "ab")

    found = split_conversation(asked, [*shared, good], [*shared, bad])

    # Nothing that the prompt ends with is what the responses begin with.
    assert found == Conversation((*asked, *shared), (good,), (bad,))
