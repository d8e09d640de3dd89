"""Whatever a person calls a recipe, it gets a name that files and commands can have."""

import re

import pytest

from grice_core.recipes.config import NAME_PATTERN
from grice_core.recipes.names import recipe_name


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("mineD", "mined"),
        ("Mine D, 2nd", "mine-d-2nd"),
        ("2nd try", "recipe-2nd-try"),
        ("Über_strenge Schwelle!", "uber_strenge-schwelle"),
        ("stays-as_it-is", "stays-as_it-is"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_any_words_become_a_name(words: str, name: str) -> None:
    assert recipe_name(words) == name
    assert re.match(NAME_PATTERN, name)


@pytest.mark.parametrize("words", ["", "  ", "—!", "日本"])
def test_words_without_a_letter_become_none(words: str) -> None:
    assert recipe_name(words) == ""
