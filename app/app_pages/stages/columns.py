"""The pairs as the browser cuts them: a column of codes for each number that a rule compares or a histogram counts.

Columns travel once, as files of Streamlit's own media storage, which holds them while a session shows them; the
messages that follow a threshold name them only.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from streamlit import runtime

from app.state.open_data import OpenData
from grice_core.data.codes import CodedColumn, grid_edges, mask_bytes
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.data.rules import FilterRule, ThresholdRule
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.config import Recipe

SCORED, FREE_OF_LEAKS, HELD_OUT = "scored", "free of leaks", "held out"


def column_of(rule: FilterRule) -> str:
    """Which column a rule compares with its threshold; one without a threshold has a column of its own."""
    if not isinstance(rule, ThresholdRule):
        return rule.model_dump_json()
    return rule.maxims[0] if rule.is_margin else " ".join([rule.kind, *rule.maxims])


class Columns:
    """The columns that some recipes need of a data set.

    Thresholds lie on a grid; those of `recipes` that don't are edges of their columns too, so that the browser
    counts as exactly as the server does.
    """

    def __init__(self, data: OpenData, recipes: Sequence[Recipe]) -> None:
        self._data = data
        rules = [rule for recipe in recipes for stage in recipe.stages for rule in stage.filter]
        self._rules = {column_of(rule): rule for rule in rules}
        self._thresholds: dict[str, set[float]] = {}
        for rule in rules:
            if isinstance(rule, ThresholdRule):
                self._thresholds.setdefault(column_of(rule), set()).add(rule.above)

    def files(self, exclude: BoolArray | None, held_out: BoolArray | None) -> dict[str, bytes]:
        """Each column by its name, as `CodedColumn.as_bytes` writes it; masks are (N,)."""
        scored = self._data.table.scored
        masks = {HELD_OUT: held_out, FREE_OF_LEAKS: None if exclude is None else ~exclude}
        if not scored.all():
            masks[SCORED] = scored
        found = {name: mask_bytes(mask) for name, mask in masks.items() if mask is not None}
        found |= {maxim.value: self._margin(maxim) for maxim in MAXIMS}
        return found | {name: self._rule(name) for name in self._rules if name not in found}

    def _margin(self, maxim: Maxim) -> bytes:
        numbers = self._data.margins[:, maxim.column]
        return self._coded(maxim.value, (-1.0, 1.0), lambda: numbers)

    def _rule(self, name: str) -> bytes:
        rule, margins = self._rules[name], self._data.margins
        if isinstance(rule, ThresholdRule):
            return self._coded(name, rule.range, lambda: rule.strength(margins))
        return self._data.shared(name, lambda: mask_bytes(rule.keeps(margins)))

    def _coded(
        self, name: str, ends: tuple[float, float], numbers: Callable[[], FloatArray]
    ) -> bytes:
        edges = grid_edges(*ends, self._thresholds.get(name, ()))
        return self._data.shared(
            (name, edges.tobytes()), lambda: CodedColumn.of(numbers(), edges).as_bytes()
        )


def published(files: Mapping[str, bytes]) -> dict[str, str]:
    """Where the browser finds each file, relative to the page; for as long as this session shows the page."""
    storage = runtime.get_instance().media_file_mgr
    return {
        name: storage.add(
            content,
            "application/octet-stream",
            f"stages column {name}",
            hashlib.sha256(content).hexdigest(),  # Streamlit's own reads only some of a large file
        ).lstrip("/")
        for name, content in files.items()
    }
