"""Layouts of annotation tools: Argilla's records and Label Studio's pairwise tasks."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from grice_core.data.layouts.base import Found, Row, Sample, number, objects_of
from grice_core.data.layouts.conversion import RowLayout

_PROMPTS = ("prompt", "instruction", "question", "input", "context", "query", "chat")
"""Names that the field of a prompt has, the likeliest first."""


class ArgillaRecords(RowLayout):
    """Argilla's records with a question that ranks fields, or names the better one."""

    name = "argilla"
    title = "Argilla records"
    source = "https://docs.argilla.io/latest/how_to_guides/import_export/"
    moves = ("fields",)
    reads = ("responses", "suggestions")
    opens = ("fields", "responses", "suggestions")

    def recognises(self, sample: Sample) -> bool:
        """Fields, and responses or suggestions."""
        return sample.some("fields", dict) and (
            sample.has("responses") or sample.has("suggestions")
        )

    def found(self, row: Row) -> Found:
        """What most annotators prefer; the suggestion where none has answered."""
        fields = row.get("fields")
        fields = fields if isinstance(fields, dict) else {}
        prompt, others = _split(fields)
        votes = list(_orders(row.get("responses"), others))
        votes = votes or list(_orders(row.get("suggestions"), others))
        order = _majority(votes)
        if order is None:
            return Found(prompt, is_tie=True)
        return Found(prompt, fields[order[0]], fields[order[1]])


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
        prompt, options = _split(data)
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


def _split(fields: dict[str, Any]) -> tuple[Any, list[str]]:
    """The prompt, and the names of the other fields that hold something to prefer."""
    known = [name for name in _PROMPTS if name in fields]
    name = known[0] if known else next(iter(fields), "")
    texts = [key for key, value in fields.items() if key != name and isinstance(value, str | list)]
    return fields.get(name), texts


def _orders(questions: Any, names: list[str]) -> Iterable[tuple[str, str]]:
    """The best and the worst field by each answer that is about fields."""
    for answers in questions.values() if isinstance(questions, dict) else ():
        for answer in answers if isinstance(answers, list) else [answers]:
            ranked = _ranked(answer.get("value") if isinstance(answer, dict) else answer, names)
            if len(ranked) > 1:
                yield ranked[0], ranked[-1]


def _ranked(value: Any, names: list[str]) -> list[str]:
    """Fields from best to worst: of a ranking, or of the one that is named among two."""
    if isinstance(value, str) and value in names and len(names) == 2:
        return [value, next(name for name in names if name != value)]
    if not isinstance(value, list):
        return []
    if all(isinstance(one, str) for one in value):
        return [one for one in value if one in names]
    places = {
        one["value"]: rank
        for one in objects_of(value)
        if one.get("value") in names and (rank := number(one.get("rank"))) is not None
    }
    ranked = sorted(places, key=lambda name: places[name])
    is_tied = len(ranked) > 1 and places[ranked[0]] == places[ranked[-1]]
    return [] if is_tied else ranked


def _majority(votes: list[tuple[str, str]]) -> tuple[str, str] | None:
    """What is said most often; `None` if two are said as often."""
    counts = Counter(votes).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


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
