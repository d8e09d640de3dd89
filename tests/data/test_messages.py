"""Messages of all writings in one form."""

import json
from typing import Any

import pytest

from grice_core.data.messages import as_messages, as_tools, part_kind

USER = {"role": "user", "content": "Seen it?"}
YES = {"role": "assistant", "content": "Yes."}
CALL = {"function": {"name": "search", "arguments": {"title": "Tangled"}}}


def test_nulls_and_empty_lists_of_calls_are_left_out() -> None:
    assert as_messages([YES | {"tool_calls": None, "name": None}]) == (YES,)
    assert as_messages([YES | {"tool_calls": []}]) == (YES,)
    assert as_messages([{"role": "assistant", "tool_calls": [CALL]}]) == (
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
    )


def test_content_may_be_a_list_of_text_parts() -> None:
    parts = [{"type": "text", "text": "Seen"}, {"text": " it?"}]

    assert as_messages([{"role": "user", "content": parts}]) == (USER,)


@pytest.mark.parametrize(
    "value",
    [
        "text",
        None,
        [],
        ["text"],
        [{"role": "user"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": {"text": "Seen it?"}}],
        [{"role": 1, "content": "Seen it?"}],
        [YES | {"tool_calls": [{"function": {}}]}],
        [YES | {"tool_calls": "search"}],
        [USER, {"role": "user", "content": [{"type": "image"}]}],
    ],
)
def test_what_is_no_list_of_messages_with_text_is_none(value: Any) -> None:
    assert as_messages(value) is None


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "image"}, "image"),
        ({"type": "image_url", "image_url": {"url": "a.png"}, "audio": None}, "image"),
        ({"type": "input_audio"}, "audio"),
        ({"video": "a.mp4"}, "video"),
        ({"type": "input_file"}, "file"),
        ({"type": "thinking", "thinking": "…"}, "unknown"),
    ],
)
def test_parts_that_are_no_text_are_told_apart(part: Any, kind: str) -> None:
    assert part_kind([USER, {"role": "user", "content": [{"text": "Look."}, part]}]) == kind
    assert part_kind([USER]) is None


def test_tools_are_a_list_of_objects_or_its_json() -> None:
    assert as_tools([CALL]) == as_tools(json.dumps([CALL])) == (CALL,)
    assert as_tools(None) == as_tools([]) == as_tools("hammer") == as_tools(["hammer"]) == ()
