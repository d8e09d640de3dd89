"""Which steps a pipeline's stages kept, as run.json has it, in words."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

CHECKPOINT = "checkpoint"
"""In a stage's record: `StepChoice.document`; only of a stage with `keep: best`."""


def sentences(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Which step a stage kept and why, without full stops; none if it kept the last one as always."""
    return tuple(record.get(CHECKPOINT, {}).get("said", ()))


def num_planned(record: Mapping[str, Any]) -> int:
    """Optimizer steps for which a stage's schedules were made, of which it may have taken fewer."""
    planned: int = record.get(CHECKPOINT, {}).get("num_planned", record["num_steps"])
    return planned


def kept_step(record: Mapping[str, Any]) -> int:
    """The step whose adapter a stage published."""
    step: int = record.get(CHECKPOINT, {}).get("step", record["num_steps"])
    return step


def kept_steps_section(records: Iterable[Mapping[str, Any]], names: Collection[str]) -> str:
    """Markdown for a model card: what these stages kept; empty if all kept their last step as always."""
    lines = "".join(_lines(records, names))
    return f"## Which step was kept\n\n{lines}\n" if lines else ""


def _lines(records: Iterable[Mapping[str, Any]], names: Collection[str]) -> Iterator[str]:
    for record in records:
        if record["name"] in names:
            yield from (f"- {record['name']}: {sentence}.\n" for sentence in sentences(record))
