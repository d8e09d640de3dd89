"""Conversational rows made by hand."""

from typing import Any

from tests.data.files import pair

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "When does the ferry leave?"}
NINE = {"role": "assistant", "content": "At nine."}
WHICH = {"role": "user", "content": "From which pier?"}
TWO = {"role": "assistant", "content": "Pier two."}
BOATS = {"role": "assistant", "content": "Ferries are boats."}
ASKED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "find", "arguments": {"pier": 2}}}
    ],
}
FOUND = {"role": "tool", "tool_call_id": "c1", "content": "09:00"}
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]


def conversational_rows() -> list[dict[str, Any]]:
    """One row of each kind, the last two plain; all can be used, and differ in prompt or responses."""
    return [
        pair(1, prompt=[USER], chosen=[NINE], rejected=[BOATS]),
        pair(2, prompt=..., chosen=[USER, NINE, WHICH, TWO], rejected=[USER, NINE, WHICH, BOATS]),
        pair(3, prompt=[SYSTEM, USER], chosen=[NINE], rejected=[BOATS]),
        pair(
            4, prompt=..., chosen=[SYSTEM, WHICH, TWO], rejected=[SYSTEM, WHICH, BOATS, USER, NINE]
        ),
        pair(5, prompt=[USER, ASKED, FOUND], chosen=[NINE], rejected=[BOATS], tools=TOOLS),
        pair(6, prompt=[USER], chosen=[ASKED], rejected=[BOATS], tools=TOOLS, note="kept"),
        pair(7, prompt="Which pier?", chosen=[TWO], rejected=[BOATS]),
        pair(8),
        pair(9, chosen_scores=..., rejected_scores=..., note="plain"),
    ]
