"""Any words as the name of a recipe, which also names files and stands in commands."""

import re
import unicodedata

from grice_core.recipes.config import NAME_PATTERN

_OTHERS = re.compile(r"[^a-z0-9_]+")


def recipe_name(words: str) -> str:
    """`Mine D, 2nd` → `mine-d-2nd`; empty if no letter or digit of ASCII is left.

    Accents are dropped, and what begins with a digit gets `recipe-` before it.
    """
    ascii_only = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    name = _OTHERS.sub("-", ascii_only.lower()).strip("-_")
    if name and not re.match(NAME_PATTERN, name):
        return f"recipe-{name}"
    return name
