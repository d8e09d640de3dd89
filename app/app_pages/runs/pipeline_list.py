"""All pipelines in one table: searched, filtered, sorted, and one of them chosen."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from app.app_pages.runs.pipeline_words import state_of
from app.text.formatting import short_path
from app.url import params
from app.url.widget_keys import is_current, widget_key
from grice_core.store.json_text import digest_of
from grice_core.store.pipeline_table import PipelineRow

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ColumnConfig

_MOST_LINES, _HEIGHT_PX = 7, 270
_UNFINISHED = ("running", "waiting", "interrupted")
_STATES = ("running", "waiting", "interrupted", "done", "failed", "stopped")
_EMPTY = "–"


def choose_pipeline(
    rows: Sequence[PipelineRow], names: Mapping[int, str], chosen: PipelineRow | None
) -> None:
    """Show the table; picking a line puts its pipeline into the link.

    Args:
        names: by pipeline, as the page calls it.
        chosen: the pipeline that the page shows, whose line is marked; None: it shows none.
    """
    found = _filtered(rows, names)
    if not found:
        st.info("No matching pipelines. Shorten the search or remove a filter.")
        return
    ids = [row.id for row in found]
    chosen_id = 0 if chosen is None else chosen.id
    # Another table when something else than a click chose the pipeline; after a click the same one,
    # which keeps its order and its place.
    key = widget_key(f"pipelines {digest_of({'ids': ids})[:16]}", chosen_id)
    st.session_state[key] = chosen_id

    def pick() -> None:
        lines = st.session_state[f"table of {key}"]["selection"]["rows"]
        if is_current(key) and lines:
            st.session_state[key] = ids[lines[0]]
            params.put("pipeline", str(ids[lines[0]]))
            params.drop("run")

    is_there = chosen_id in ids
    st.dataframe(
        pipeline_frame(found, names, time.time()),
        key=f"table of {key}",
        height="auto" if len(found) <= _MOST_LINES else _HEIGHT_PX,
        hide_index=True,
        on_select=pick,
        selection_mode="single-row-required" if is_there else "single-row",
        selection_default={"selection": {"rows": [ids.index(chosen_id)]}} if is_there else None,
        placeholder=_EMPTY,
        column_config=_columns(),
        alt="Pipelines; select one to see its runs below",
    )


def pipeline_frame(
    rows: Sequence[PipelineRow], names: Mapping[int, str], now: float
) -> pd.DataFrame:
    """One line per pipeline; without the columns in which none has anything.

    Args:
        now: seconds since 1970, until when what is under way has taken.
    """
    # Thousands of pipelines have few bases and few states between them.
    bases = {base: short_path(base) for base in {row.base for row in rows}}
    states = {found: state_of(found) for found in {row.states for row in rows}}
    frame = pd.DataFrame(
        {
            "no.": [row.id for row in rows],
            "name": [names[row.id] for row in rows],
            "state": [states[row.states] if row.is_readable else "unreadable" for row in rows],
            "verdict": [row.verdict for row in rows],
            "cooperative": [row.cooperative for row in rows],
            "tags": [list(row.tags) or None for row in rows],
            "duration": pd.to_timedelta(
                [_seconds(row, states[row.states], now) for row in rows], unit="s"
            ),
            "seed": [row.seed for row in rows],
            "base": [bases[row.base] for row in rows],
            "data": [row.data for row in rows],
            "note": [row.note for row in rows],
            "started by": [row.started_by for row in rows],
            "submitted": pd.to_datetime([row.created_at for row in rows], unit="s", utc=True),
        }
    )
    return frame.drop(
        columns=[name for name in ("tags", "note", "started by") if frame[name].isna().all()]
    )


def _filtered(rows: Sequence[PipelineRow], names: Mapping[int, str]) -> list[PipelineRow]:
    """Those that the search and the filters above the table leave over."""
    tags = sorted({tag for row in rows for tag in row.tags})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search pipelines",
            key="find",
            bind="query-params",
            placeholder="name, base, data, tag, note",
        )
        states = st.multiselect("State", _STATES, key="state", bind="query-params", width=220)
        wanted_tags = (
            st.multiselect("Tags", tags, key="tag", bind="query-params", width=220) if tags else []
        )
    return matching(rows, names, words, states, wanted_tags)


def matching(
    rows: Sequence[PipelineRow],
    names: Mapping[int, str],
    words: str,
    states: Sequence[str],
    tags: Sequence[str],
) -> list[PipelineRow]:
    """Pipelines in which each word stands somewhere, in one of the states, with all of the tags."""
    asked = words.casefold().split()
    return [
        row
        for row in rows
        if (not states or state_of(row.states) in states)
        and set(tags) <= set(row.tags)
        and (not asked or _says_all(row, names[row.id], asked))
    ]


def _says_all(row: PipelineRow, name: str, words: Sequence[str]) -> bool:
    said = (str(row.id), name, row.base, row.data, row.recipe, row.started_by, row.note, *row.tags)
    text = "\n".join(filter(None, said)).casefold()
    return all(word in text for word in words)


def _seconds(row: PipelineRow, state: str, now: float) -> float | None:
    """From the first run's beginning to the last one's end; until now, if some are still to come."""
    if row.began_at is None:
        return None
    return float(round((now if state in _UNFINISHED else row.ended_at or now) - row.began_at))


def _columns() -> "dict[str, ColumnConfig | str | None]":
    config = st.column_config
    return {
        "no.": config.NumberColumn(width=50),
        "name": config.TextColumn(width=310),
        "state": config.TextColumn(width=85),
        "verdict": config.TextColumn(width=85),
        "cooperative": config.NumberColumn(format="%.1f %%", width=95),
        "tags": config.ListColumn(width=120),
        "note": config.TextColumn(width=200),
        "base": config.TextColumn(width=130),
        "data": config.TextColumn(width=130),
        "seed": config.NumberColumn(width=55),
        "duration": config.NumberColumn(format="compact", width=85),
        "started by": config.TextColumn(width=120),
        "submitted": config.DatetimeColumn(format="YYYY-MM-DD HH:mm", width=135),
    }
