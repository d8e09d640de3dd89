"""One limit for every parser, whatever the interpreter's own."""

import sys
from collections.abc import Iterator

import pytest

from grice_core.data.json_column import json_array
from grice_core.data.messages import as_messages
from grice_core.errors import RecipeError
from grice_core.nesting import MAX_DEPTH, NestingError, check_depth, parse_json
from grice_core.recipes.documents import read_document


@pytest.fixture(autouse=True, params=[1_000, 20_000])
def _interpreter(request: pytest.FixtureRequest) -> Iterator[None]:
    """As strict as 3.11 is, or as lenient as later versions are."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(request.param)
    yield
    sys.setrecursionlimit(before)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_what_is_as_deep_as_allowed_is_taken() -> None:
    check_depth(parse_json(nested(MAX_DEPTH)))


@pytest.mark.parametrize("text", [nested(MAX_DEPTH + 1), '{"a":' * 300 + "1" + "}" * 300])
def test_one_level_more_is_not(text: str) -> None:
    with pytest.raises(NestingError, match="nested too deeply"):
        parse_json(text)


def test_values_of_columns_and_messages_have_the_same_limit() -> None:
    deep: object = 2**70  # which the fast serialiser leaves to the lenient one
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(NestingError):
        json_array([deep])
    with pytest.raises(NestingError):
        as_messages([{"role": "assistant", "content": "", "tool_calls": [{"function": deep}]}])


def test_recipes_have_it_too() -> None:
    with pytest.raises(RecipeError, match=r"mine\.yaml is nested too deeply"):
        read_document("name: x\nstages: " + nested(MAX_DEPTH), "mine.yaml")
