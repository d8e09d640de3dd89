"""Names by which pipelines can be told apart, though many are called the same."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from grice_core.store.pipeline_table import PipelineRow

_APART: Final[tuple[Callable[[PipelineRow], str], ...]] = (
    lambda row: "" if row.seed is None else f"seed {row.seed}",
    lambda row: row.base.rstrip("/").rpartition("/")[2],
    lambda row: row.data,
    lambda row: row.recipe,
    lambda row: row.prompts or "",
    lambda row: f"judged by {row.detector}" if row.detector else "",
)
"""What pipelines of one name may differ in, in the order in which a person looks for it."""


def names_apart(rows: Iterable[PipelineRow]) -> dict[int, str]:
    """Each pipeline's name; of those with the same name, with what they differ in, at last their number."""
    by_name: dict[str, list[PipelineRow]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    return {
        pipeline_id: name
        for same in by_name.values()
        for pipeline_id, name in _apart({row.id: row.name for row in same}, same).items()
    }


def _apart(names: dict[int, str], rows: list[PipelineRow]) -> dict[int, str]:
    if len(rows) == 1:  # as most are, where there are thousands
        return names
    for facet in _APART:
        values = {row.id: facet(row) for row in rows}
        if len(set(names.values())) < len(rows) and len(set(values.values())) > 1:
            names = {key: _joined(name, values[key]) for key, name in names.items()}
    times = Counter(names.values())
    return {key: f"{name} · no. {key}" if times[name] > 1 else name for key, name in names.items()}


def _joined(name: str, value: str) -> str:
    return f"{name} · {value}" if value else name
