"""Argilla's records, nested and flattened, as its SDK writes them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from grice_core.data.batches import Batch
from grice_core.data.layouts.base import (
    Found,
    Layout,
    Row,
    Sample,
    best_and_worst,
    items_of,
    number,
    objects_of,
    split_fields,
)
from grice_core.data.layouts.conversion import (
    RowLayout,
    columns_of,
    opened,
    rows_of_batch,
)

_RESPONSES, _STATUS, _SUGGESTION = ".responses", ".responses.status", ".suggestion"
_OF_THE_RECORD = ("id", "status", "_server_id", "score")
"""Fields of a flattened record that are none of its own."""
_ALIKE = 3
"""Characters that two fields' names begin with."""
_NOT_GIVEN = ("discarded", "draft")


class ArgillaRecords(RowLayout):
    """Argilla's records with a question that ranks fields, or names the better one, or one each that rates a field."""

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
        prompt, others = split_fields(fields)
        for questions in (row.get("responses"), row.get("suggestions")):
            votes = list(_orders(questions, others))
            order = _majority(votes) if votes else _by_ratings(questions, others)
            if order is not None:
                return Found(prompt, fields[order[0]], fields[order[1]])
            if votes:
                break
        return Found(prompt, is_tie=True)


class ArgillaFlattened(Layout):
    """The same records as `to_datasets()` and `to_list(flatten=True)` write them: a field for each part of an answer."""

    name = "argilla-flattened"
    title = "Argilla records, flattened"
    source = "https://docs.argilla.io/latest/reference/argilla/records/records/"
    _records = ArgillaRecords()

    def recognises(self, sample: Sample) -> bool:
        """A question's responses or suggestion in fields of their own, beside a status."""
        return sample.has("status") and any(
            f"{name.removesuffix(_RESPONSES)}.responses.users" in sample.names
            if name.endswith(_RESPONSES)
            else name.endswith(_SUGGESTION)
            for name in sample.names
        )

    def found_in(self, sample: Sample) -> list[Found]:
        """What each row of a sample says."""
        return [self._records.found(_nested(row)) for row in sample.rows]

    def lists(self, sample: Sample) -> list[str]:
        """Answers and suggestions."""
        return [name for name in sample.names if name.endswith((_RESPONSES, _SUGGESTION))]

    def convert(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Each batch with the same rows; what is neither prompt nor response stays."""
        for batch in batches:
            rows = [_nested(row) for row in rows_of_batch(batch)]
            found = [self._records.found(row) for row in rows]
            moved = {
                name
                for row, one in zip(rows, found, strict=True)
                for name, value in row["fields"].items()
                if any(value is part for part in (one.prompt, one.chosen, one.rejected))
            }
            rest = {name: column for name, column in batch.columns.items() if name not in moved}
            ties = np.array([one.is_tie for one in found], dtype=np.bool_)
            yield batch.taken_for(rest | columns_of(found), ties)


def _nested(row: Row) -> Row:
    """`{"prompt": …, "a": …, "b": …, "best.responses": ["a"]}` →
    `{"fields": {"prompt": …, "a": …, "b": …}, "responses": {"best": [{"value": "a"}]}, "suggestions": {}}`.
    """
    responses, suggestions, fields = {}, {}, {}
    for name, value in row.items():
        if name.endswith(_RESPONSES):
            question = name.removesuffix(_RESPONSES)
            given = items_of(opened(value))
            status = items_of(opened(row.get(f"{question}{_STATUS}"))) or [None] * len(given)
            responses[question] = [
                {"value": one}
                for one, of_one in zip(given, status, strict=False)
                if of_one not in _NOT_GIVEN
            ]
        elif name.endswith(_SUGGESTION):
            suggestions[name.removesuffix(_SUGGESTION)] = {"value": opened(value)}
        elif not _is_about(name) and isinstance(value := opened(value), str | list):
            fields[name] = value
    return {"fields": fields, "responses": responses, "suggestions": suggestions}


def _is_about(name: str) -> bool:
    """Whether a field is about the record or an answer, and none of the record's own."""
    return name in _OF_THE_RECORD or f"{_RESPONSES}." in name or f"{_SUGGESTION}." in name


def _orders(questions: Any, names: list[str]) -> Iterable[tuple[str, str]]:
    """The best and the worst field by each answer that is about fields."""
    for answer in (one for _, one in _answers(questions)):
        ranked = _ranked(answer, names)
        if len(ranked) > 1:
            yield ranked[0], ranked[-1]


def _by_ratings(questions: Any, names: list[str]) -> tuple[str, str] | None:
    """The best and the worst field where each has a question of its own, `NAME-rating`, as distilabel makes them."""
    ratings: dict[str, list[float]] = defaultdict(list)
    for question, answer in _answers(questions):
        field = question.removesuffix("-rating").removesuffix("_rating")
        if field != question and field in names and (rating := number(answer)) is not None:
            ratings[field].append(rating)
    return best_and_worst((field, sum(given) / len(given)) for field, given in ratings.items())


def _answers(questions: Any) -> Iterator[tuple[str, Any]]:
    """Each answer with its question's name."""
    for question, answers in questions.items() if isinstance(questions, dict) else ():
        for answer in answers if isinstance(answers, list) else [answers]:
            yield question, answer.get("value") if isinstance(answer, dict) else answer


def _ranked(value: Any, names: list[str]) -> list[str]:
    """Fields from best to worst: of a ranking, or of the one that is named among two."""
    if isinstance(value, str) and value in names:
        return [value, *_others(value, names)]
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


def _others(field: str, names: list[str]) -> list[str]:
    """The other field of two; where there are more, of two that begin alike (`response_a`, `response_b`, `source`)."""
    others = [name for name in names if name != field]
    if len(others) > 1:
        others = [one for one in others if one[:_ALIKE] == field[:_ALIKE]]
    return others if len(others) == 1 else []


def _majority(votes: list[tuple[str, str]]) -> tuple[str, str] | None:
    """What is said most often; `None` if two are said as often."""
    counts = Counter(votes).most_common(2)
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        return None
    return counts[0][0]
