"""All pipelines as rows, read once for all sessions until one of them comes, goes or changes its state."""

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from app.state.session import studio
from grice_core.store import pipeline_table
from grice_core.store.pipeline_table import PipelineRow

_READ_AGAIN_S = 30.0
"""For what no stamp tells: a data set that is called something else, a note that another program wrote."""


def pipeline_rows() -> Sequence[PipelineRow]:
    """All pipelines, the newest first."""
    return _rows(pipeline_table.stamp(studio().database))


@st.cache_resource(max_entries=1, ttl=_READ_AGAIN_S, show_spinner="Reading the pipelines …")
def _rows(stamp: tuple[Any, ...]) -> tuple[PipelineRow, ...]:  # noqa: ARG001 - what it is kept under
    return tuple(pipeline_table.rows(studio().database))


def annotate(pipeline_id: int, *, name: str, tags: Iterable[str], note: str) -> None:
    """Give a pipeline another name, tags and a note; see `pipeline_table.annotate`."""
    pipeline_table.annotate(studio().database, pipeline_id, name=name, tags=tags, note=note)
    _rows.clear()
