"""What a layout is: how the rows of a kind of file become pairs."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from grice_core.data.batches import Batch

_PROMPTS = ("prompt", "instruction", "question", "input", "context", "query", "chat")
"""Names that the field of a prompt has, the likeliest first."""
_WORDS = re.compile(r"\S\s+\S")
Row = dict[str, Any]
"""The fields of one row that have a value."""


@dataclass(frozen=True)
class Found:
    """What a row holds; each of the three is text, a message, a list of messages, or nothing."""

    prompt: Any
    chosen: Any = None
    rejected: Any = None
    tools: Any = None
    is_tie: bool = False
    """The row prefers neither response."""

    @classmethod
    def preferring(cls, prompt: Any, first: Any, second: Any, preference: float | None) -> "Found":
        """Two responses: the first one is chosen if `preference` is negative, the second if positive."""
        if not preference or preference != preference:
            return cls(prompt, is_tie=True)
        return cls(prompt, *((first, second) if preference < 0 else (second, first)))


@dataclass(frozen=True)
class Sample:
    """The beginning of a file, by which its layout is recognised."""

    names: frozenset[str]
    """Of all fields."""
    rows: tuple[Row, ...]
    """The first ones; lists and objects that were written as text are opened."""

    def has(self, *names: str) -> bool:
        """Whether all of these fields are there."""
        return self.names.issuperset(names)

    def values(self, name: str) -> Iterator[Any]:
        """What the first rows have in this field, where they have something."""
        return (row[name] for row in self.rows if name in row)

    def is_prose(self, name: str) -> bool:
        """Whether most rows have a text of several words in this field."""
        texts = [
            value for value in self.values(name) if isinstance(value, str) and _WORDS.search(value)
        ]
        return len(texts) * 2 > len(self.rows)

    def some(self, name: str, *kinds: type) -> bool:
        """Whether a row has a value of one of these types in this field."""
        return any(isinstance(value, kinds) for value in self.values(name))


class Layout(ABC):
    """One way to write pairs, or prompts."""

    name: ClassVar[str]
    """For `--layout`."""
    title: ClassVar[str]
    """For people."""
    source: ClassVar[str]
    """Where it is documented, or the program that writes it."""
    has_pairs: ClassVar[bool] = True
    """False: it holds prompts without responses."""
    refusal: ClassVar[str] = ""
    """Why it can't be read, if it can't."""

    @abstractmethod
    def recognises(self, sample: Sample) -> bool:
        """Whether a file that begins so is written in this layout."""

    def describe(self, _sample: Sample) -> str:
        """What a file is read as, for people."""
        return self.title

    def found_in(self, _sample: Sample) -> list[Found]:
        """What it makes of a sample, which sets it apart from others; nothing if it can't be by rows."""
        return []

    def lists(self, _sample: Sample) -> Collection[str]:
        """Fields whose lists and objects it looks into."""
        return ()

    @abstractmethod
    def convert(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Batches with the fields `prompt`, `chosen`, `rejected` and perhaps `tools`."""


def number(value: Any) -> float | None:
    """A number, also one that is written as text; `None` if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def items_of(value: Any) -> list[Any]:
    """The items of a list; none if it is no list."""
    return value if isinstance(value, list) else []


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [one for one in items_of(value) if isinstance(one, dict)]


def text_of(*values: Any) -> str:
    """The texts among these that are not blank, one line each."""
    return "\n".join(value for value in values if isinstance(value, str) and value.strip())


def asked(system: Any, prompt: Any) -> Any:
    """A prompt behind a system message, if there is one: a list of messages then, else as it came."""
    if not isinstance(system, str) or not system.strip():
        return prompt
    before = [{"role": "system", "content": system}]
    if isinstance(prompt, list):
        return before + prompt
    return [*before, {"role": "user", "content": prompt}]


def best_and_worst(rated: Iterable[tuple[Any, float | None]]) -> tuple[Any, Any] | None:
    """The highest and the lowest rated response; `None` if that is the same, or nothing was rated."""
    known = [(response, rating) for response, rating in rated if rating is not None]
    if not known:
        return None
    best, worst = max(known, key=lambda one: one[1]), min(known, key=lambda one: one[1])
    return (best[0], worst[0]) if best[1] > worst[1] else None


def split_fields(fields: dict[str, Any]) -> tuple[Any, list[str]]:
    """The prompt of an annotated task, and the names of its other fields that hold something to prefer."""
    known = [name for name in _PROMPTS if name in fields]
    name = known[0] if known else next(iter(fields), "")
    others = [
        key
        for key, value in fields.items()
        if key not in (name, "id") and isinstance(value, str | list)
    ]
    return fields.get(name), others
