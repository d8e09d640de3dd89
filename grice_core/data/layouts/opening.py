"""The rows of a file in the fields that pairs have, whatever its layout."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Any, Self

from grice_core.data.batches import Batch
from grice_core.data.fields import SIDES, TEXT_SPELLINGS
from grice_core.data.layouts.base import Layout, Sample
from grice_core.data.layouts.conversion import sample_of
from grice_core.data.layouts.mapping import FieldMap, Mapped
from grice_core.data.layouts.registry import STANDARD, fitting, layout_named
from grice_core.data.literal import is_printed_by_numpy
from grice_core.errors import DataError


@dataclass(frozen=True)
class Reading:
    """How a file shall be read: in a layout by name, or by a mapping; neither: by what it looks like."""

    layout: str = ""
    field_map: FieldMap | None = None

    def __post_init__(self) -> None:
        if self.layout and self.field_map:
            raise DataError("--layout and --map are two ways to say the same: give one of them")

    @classmethod
    def of_options(
        cls, layout: str | None, maps: Iterable[str] | None, scales: Iterable[str] | None
    ) -> Self:
        """What the options `--layout`, `--map` and `--scale` say.

        Raises:
            DataError: they can't be read, or there is no such layout.
        """
        if layout:
            layout_named(layout)
        given = [*(maps or ())], [*(scales or ())]
        return cls(layout or "", FieldMap.parse(*given) if any(given) else None)

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Self:
        """What `document` wrote."""
        if not document:
            return cls()
        if "layout" in document:
            return cls(document["layout"])
        return cls(field_map=FieldMap.of(document))

    def __bool__(self) -> bool:
        return bool(self.layout) or self.field_map is not None

    def document(self) -> dict[str, Any]:
        """As JSON, for `of`; empty if nothing is said."""
        if self.layout:
            return {"layout": self.layout}
        return self.field_map.document() if self.field_map else {}

    def options(self) -> list[str]:
        """As options of a command."""
        if self.layout:
            return ["--layout", self.layout]
        return self.field_map.options() if self.field_map else []


BY_LOOKS = Reading()
_MOST_NAMED = 3


class UnclearLayoutError(DataError):
    """A file may be written in several layouts, which read it differently."""

    def __init__(self, name: str, layouts: list[Layout], *, for_prompts: bool) -> None:
        self.layouts = tuple(layout.name for layout in layouts)
        titles = " or as ".join(layout.title for layout in layouts)
        options = " or ".join(f"--layout {layout.name}" for layout in layouts)
        if for_prompts:
            options = f"--eval-map prompt=FIELD (grice check: {options})"
        super().__init__(f"{name} can be read as {titles}; say which with {options}")


class PromptsAloneError(DataError):
    """A file of prompts without responses was read as pairs."""

    def __init__(self, name: str, layouts: list[Layout]) -> None:
        titles = " or ".join(layout.title for layout in layouts)
        super().__init__(
            f"{name} holds prompts alone ({titles}), which can be evaluated on (--eval) but not trained "
            "on; if two fields are responses, say so with --map chosen=FIELD,rejected=FIELD"
        )


@dataclass(frozen=True)
class OpenedRows:
    """A file's rows."""

    layout: Layout
    read_as: str
    """For people."""
    names: tuple[str, ...]
    """Fields of the file's first rows, in their order."""
    batches: Iterator[Batch]
    """With the fields of pairs."""
    notes: tuple[str, ...] = ()


def open_rows(
    name: str, batches: Iterator[Batch], reading: Reading, *, for_prompts: bool = False
) -> OpenedRows:
    """Find out a file's layout by its first rows, if the reading doesn't say it.

    Raises:
        DataError: the file has no rows, its layout is none of pairs, or nothing stands where the
            mapping looks.
        UnclearLayoutError: it may be written in several layouts.
    """
    first = next(batches, None)
    if first is None:
        raise DataError(f"{name} holds no rows")
    sample = sample_of(first)
    layout = _layout(name, sample, reading, for_prompts=for_prompts)
    if layout.refusal and not for_prompts:
        raise DataError(f"{name} is {layout.title}: {layout.refusal}")
    return OpenedRows(
        layout,
        layout.describe(sample),
        tuple(first.columns),
        layout.convert(chain([first], batches)),
        _notes(name, layout, sample),
    )


def _layout(name: str, sample: Sample, reading: Reading, *, for_prompts: bool) -> Layout:
    told = _told(name, sample, reading)
    if told is not None:
        if not for_prompts and not told.has_pairs:
            raise PromptsAloneError(name, [told])
        return told
    layouts = fitting(sample, for_prompts=for_prompts)
    _check_lists(name, sample, layouts)
    if len(layouts) > 1:
        raise UnclearLayoutError(name, layouts, for_prompts=for_prompts)
    if not layouts and not for_prompts and not _names_a_response(sample):
        prompts = fitting(sample, for_prompts=True)
        if prompts:
            raise PromptsAloneError(name, prompts)
    return layouts[0] if layouts else STANDARD


def _check_lists(name: str, sample: Sample, layouts: list[Layout]) -> None:
    """Where no layout fits, or one that looks into lists: are these lists still?"""
    lost = [field for field in sorted(sample.names) if any(map(_is_lost, sample.values(field)))]
    if layouts:
        lost = [field for field in lost if any(field in one.lists(sample) for one in layouts)]
    if lost:
        fields = ", ".join(map(repr, lost[:_MOST_NAMED]))
        raise DataError(
            f"{name}: lists stand in {fields} as NumPy prints them, without commas between their items, from which "
            "they can't be read back; write the file as Parquet or JSON Lines (to_parquet, to_json) instead of CSV"
        )


def _is_lost(value: Any) -> bool:
    return isinstance(value, str) and is_printed_by_numpy(value)


def _told(name: str, sample: Sample, reading: Reading) -> Layout | None:
    """The layout that a user names or describes, if any."""
    if reading.layout:
        return layout_named(reading.layout)
    if reading.field_map is None:
        return None
    mapped = Mapped(reading.field_map, sample.names)
    mapped.check(name, sample)
    return mapped


_NO_RESPONSES = {"prompt", "context", "question", "instruction", "input", "system", "system_prompt"}


def _names_a_response(sample: Sample) -> bool:
    """Whether a field is called like one of the two responses, or could be one beside a prompt."""
    spellings = (spelling for side in SIDES for spelling in TEXT_SPELLINGS[side])
    names = {name.strip().lower() for name in sample.names}
    if any(get_close_matches(spelling, names, n=1) for spelling in spellings):
        return True
    others = sum(map(sample.is_prose, sample.names - _NO_RESPONSES))
    if names & {"prompt", "context"}:
        return others > 0
    return others > 1 and bool(names & {"question", "instruction"})


def _notes(name: str, layout: Layout, sample: Sample) -> tuple[str, ...]:
    """What a user may not expect."""
    asks = sorted(sample.names & {"instruction", "question"})
    if layout is STANDARD and "prompt" not in sample.names and "context" in sample.names and asks:
        return (
            f"{name}: the field 'context' is read as the prompt, though there is also {asks[0]!r}; if "
            f"that is the prompt, say so with --map prompt={asks[0]}",
        )
    return ()
