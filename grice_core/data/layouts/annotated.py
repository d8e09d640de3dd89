"""Layouts of annotation tools: Label Studio's pairwise tasks."""

from collections import Counter
from typing import Any

from grice_core.data.layouts.base import Found, Row, Sample, split_fields
from grice_core.data.layouts.conversion import RowLayout


class LabelStudioPairwise(RowLayout):
    """Label Studio's tasks with the Pairwise tag, as its JSON exports have them."""

    name = "label-studio"
    title = "Label Studio pairwise"
    source = "https://labelstud.io/tags/pairwise.html"
    moves = ("data",)
    reads = ("annotations", "completions")
    opens = ("data", "annotations", "completions")

    def recognises(self, sample: Sample) -> bool:
        """Data, and annotations with a result of the type pairwise."""
        return sample.some("data", dict) and any(
            result.get("type") == "pairwise" for row in sample.rows for result in _results(row)
        )

    def found(self, row: Row) -> Found:
        """What most annotations selected, left or right."""
        data = row.get("data")
        data = data if isinstance(data, dict) else {}
        results = [one for one in _results(row) if one.get("type") == "pairwise"]
        prompt, options = split_fields(data)
        left, right = _sides(results, options)
        selected = Counter(
            "right" if choice == "right" else "left"
            for one in results
            if (choice := _selected(one)) in ("left", "right")
        )
        if selected["left"] == selected["right"] or left is None or right is None:
            return Found(prompt, is_tie=True)
        pair = (left, right) if selected["left"] > selected["right"] else (right, left)
        return Found(prompt, *(data[name] for name in pair))


def _results(row: Row) -> list[dict[str, Any]]:
    annotations = row.get("annotations", row.get("completions"))
    found = (
        one.get("result")
        for one in (annotations if isinstance(annotations, list) else ())
        if isinstance(one, dict) and not one.get("was_cancelled")
    )
    return [
        one
        for results in found
        if isinstance(results, list)
        for one in results
        if isinstance(one, dict)
    ]


def _selected(result: dict[str, Any]) -> Any:
    value = result.get("value")
    return value.get("selected") if isinstance(value, dict) else None


def _sides(results: list[dict[str, Any]], names: list[str]) -> tuple[str | None, str | None]:
    """The fields on the left and on the right: as the result names them, else the only two."""
    for result in results:
        named = result.get("to_name")
        sides = [one.strip() for one in named.split(",")] if isinstance(named, str) else named
        if isinstance(sides, list) and len(sides) == 2 and all(one in names for one in sides):
            return sides[0], sides[1]
    return (names[0], names[1]) if len(names) == 2 else (None, None)
