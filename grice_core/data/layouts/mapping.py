"""Any other layout: a user says which field is what."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from grice_core.data.batches import Batch, Column
from grice_core.data.conversation_column import TOOLS, json_values
from grice_core.data.fields import SIDES, TEXT_SPELLINGS, score_object_name, score_spellings
from grice_core.data.layouts.base import Layout, Sample, asked
from grice_core.data.layouts.conversion import opened
from grice_core.data.layouts.scale import PROBABILITIES, Scale
from grice_core.data.layouts.standard import with_standard_names
from grice_core.data.pairs import TEXT_FIELDS
from grice_core.data.scores import Fault, score_column
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS, Maxim

SYSTEM = "system"
"""A target: a system message before the prompt."""
SCORES = {f"{side}_{maxim}": maxim for side in SIDES for maxim in MAXIMS}
"""Targets: single scores, and the maxim of each."""
_SCORE_OBJECTS = tuple(map(score_object_name, SIDES))
TARGETS = (*TEXT_FIELDS, SYSTEM, TOOLS, *SCORES)


@dataclass(frozen=True)
class FieldMap:
    """Where in a row each thing stands, as paths: `output.0` is the first value of the list `output`."""

    paths: tuple[tuple[str, str], ...] = ()
    """Target and path."""
    scales: tuple[tuple[str, Scale], ...] = ()
    """By maxim, or for all under the name ``all``."""

    @classmethod
    def parse(cls, maps: Iterable[str], scales: Iterable[str] = ()) -> Self:
        """`prompt=instruction,chosen=output.0` and `1-5,higher` or `quantity=1-5,higher`.

        Raises:
            DataError: something is not written so, or there is no such target.
        """
        paths: dict[str, str] = {}
        for part in (part for text in maps for part in text.split(",") if part.strip()):
            target, equals, path = (one.strip() for one in part.partition("="))
            if not equals or not path:
                raise DataError(
                    f"{part.strip()!r} maps nothing; write TARGET=FIELD: prompt=instruction"
                )
            paths |= _expanded(target, path)
        return cls(tuple(paths.items()), tuple(map(_parse_scale, scales)))

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """What `document` wrote."""
        scales = document.get("scales", {}).items()
        return cls(
            tuple(document["map"].items()),
            tuple((name, Scale.parse(written)) for name, written in scales),
        )

    def document(self) -> dict[str, Any]:
        """As JSON, for `of`."""
        scales = {name: scale.written for name, scale in self.scales}
        return {"map": dict(self.paths)} | ({"scales": scales} if scales else {})

    def options(self) -> list[str]:
        """As options of a command."""
        written = ",".join(f"{target}={path}" for target, path in self.paths)
        found = ["--map", written] if written else []
        for name, scale in self.scales:
            text = scale.written if name == "all" else f"{name}={scale.written}"
            found += ["--scale", text]
        return found

    def scale_of(self, maxim: Maxim) -> Scale:
        """What a maxim's scores run on."""
        scales = dict(self.scales)
        return scales.get(maxim.value, scales.get("all", PROBABILITIES))

    def words(self) -> str:
        """In one sentence."""
        parts = [f"{target} from {path}" for target, path in self.paths]
        parts += [f"scores{_about(name)} on {scale.words}" for name, scale in self.scales]
        return "; ".join(parts)


class Mapped(Layout):
    """The layout that a mapping describes."""

    name = "map"
    title = "your mapping"
    source = "the option --map, or the form on the Data page"

    def __init__(self, field_map: FieldMap, names: frozenset[str]) -> None:
        """`names` are those of the file's fields."""
        self.field_map = field_map
        targets = {target for target, _ in field_map.paths}
        self.has_pairs = any(  # type: ignore[misc]  # of other layouts it is known beforehand
            side in targets or names.intersection(TEXT_SPELLINGS[side]) for side in SIDES
        )

    def recognises(self, _sample: Sample) -> bool:
        """Never of itself."""
        return False

    def describe(self, _sample: Sample) -> str:
        """What comes from where."""
        return f"{self.title}: {self.field_map.words()}"

    def convert(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The same rows, mapped fields under their standard names."""
        return map(self._mapped, batches)

    def check(self, name: str, sample: Sample) -> None:
        """Refuse paths at which the first rows of the file of this name have nothing.

        Raises:
            DataError: names the path and the fields.
        """
        for target, path in self.field_map.paths:
            found = _field_and_rest(path, sample.names)
            if found is None:
                listed = ", ".join(map(repr, sorted(sample.names)[:12]))
                raise DataError(f"{name} has no field for {target}={path}; it has: {listed}")
            values = (_at(row.get(found[0]), found[1]) for row in sample.rows)
            if sample.rows and all(value is None for value in values):
                raise DataError(
                    f"{name}: nothing stands at {path!r} in its first {len(sample.rows)} rows; "
                    f"name another field for {target}"
                )

    def _mapped(self, batch: Batch) -> Batch:
        paths = self._paths(batch.columns)
        found = {target: _column(batch, path) for target, path in paths.items()}
        scores = {
            target: _scaled(column, batch, self.field_map.scale_of(SCORES[target]))
            for target, column in found.items()
            if target in SCORES
        }
        rest = {
            name: column for name, column in batch.columns.items() if name not in paths.values()
        }
        for name in _score_fields(rest) if scores else ():
            del rest[name]
        texts = {target: column for target, column in found.items() if target not in SCORES}
        system = texts.pop(SYSTEM, None)
        batch = with_standard_names(batch.taken_for(rest | texts | scores))
        if system is None or "prompt" not in batch.columns:
            return batch
        rows = zip(json_values(system), json_values(batch.columns["prompt"]), strict=True)
        prompts = [asked(before, prompt) for before, prompt in rows]
        return batch.taken_for(batch.columns | {"prompt": prompts})

    def _paths(self, columns: Mapping[str, Column]) -> dict[str, str]:
        """By target; the standard fields of scores too where only their scale is given."""
        paths = dict(self.field_map.paths)
        if not self.field_map.scales or SCORES.keys() & paths.keys():
            return paths
        for side, name in zip(SIDES, _SCORE_OBJECTS, strict=True):
            for maxim in MAXIMS:
                flat = (one for one in score_spellings(side, maxim) if one in columns)
                path = f"{name}.{maxim}" if name in columns else next(flat, None)
                if path is not None:
                    paths[f"{side}_{maxim}"] = path
        return paths


def _expanded(target: str, path: str) -> dict[str, str]:
    """The targets that one stands for: an object of scores is its four scores.

    Raises:
        DataError: there is no such target.
    """
    if target in _SCORE_OBJECTS:
        side = SIDES[_SCORE_OBJECTS.index(target)]
        return {f"{side}_{maxim}": f"{path}.{maxim}" for maxim in MAXIMS}
    if target not in TARGETS:
        known = ", ".join((*TEXT_FIELDS, SYSTEM, TOOLS, *_SCORE_OBJECTS, "chosen_quantity", "…"))
        raise DataError(f"--map {target}={path}: there is no target {target!r}; there are: {known}")
    return {target: path}


def _parse_scale(text: str) -> tuple[str, Scale]:
    name, equals, written = text.partition("=")
    if not equals:
        return "all", Scale.parse(text)
    if name.strip() not in {maxim.value for maxim in MAXIMS}:
        raise DataError(f"--scale {text}: there is no maxim {name.strip()!r}")
    return name.strip(), Scale.parse(written)


def _about(name: str) -> str:
    return "" if name == "all" else f" of {name}"


def _field_and_rest(path: str, names: Iterable[str]) -> tuple[str, list[str]] | None:
    """The field that a path begins with, the longest name that fits, and the steps behind it."""
    known = set(names)
    steps = path.split(".")
    for length in range(len(steps), 0, -1):
        name = ".".join(steps[:length])
        if name in known:
            return name, steps[length:]
    return None


def _column(batch: Batch, path: str) -> Column:
    """(N,) what stands at a path; a whole field as it came."""
    found = _field_and_rest(path, batch.columns)
    if found is None:
        return [None] * batch.num_rows
    name, steps = found
    if not steps:
        return batch.columns[name]
    return [_at(opened(value), steps) for value in json_values(batch.columns[name])]


def _at(value: Any, steps: Sequence[str]) -> Any:
    """What stands behind these steps, keys of objects and places in lists; `None` if nothing does."""
    for step in steps:
        value = opened(value)
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.lstrip("-").isdecimal():
            place = int(step)
            value = value[place] if -len(value) <= place < len(value) else None
        else:
            return None
    return value


def _scaled(column: Column, batch: Batch, scale: Scale) -> Column:
    """Scores in [0, 1]; what is no number stays as it came, and is reported as that."""
    if scale == PROBABILITIES:
        return column
    read = score_column(column, batch.textual)
    scaled = scale.applied(read).values.tolist()
    return [
        number if fault == Fault.NONE else value
        for number, fault, value in zip(scaled, read.faults, json_values(column), strict=True)
    ]


def _score_fields(columns: Mapping[str, Column]) -> list[str]:
    """The fields of a file that would be taken for scores of their own."""
    known = {
        *_SCORE_OBJECTS,
        *(one for side in SIDES for maxim in MAXIMS for one in score_spellings(side, maxim)),
    }
    return [name for name in columns if name.strip().lower() in known]
