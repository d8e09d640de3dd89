"""The validation report as a person reads it: what is wrong, where, what to do."""

from pathlib import Path
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app.navigation import go_to, link_to
from app.session import studio
from app.wording import count_of, plain_markdown
from grice_core.pipeline.keeping import MAX_BAD_ROWS
from grice_core.store.references import UNUSABLE
from grice_core.store.tables import DataSet

_ICONS = {"error": ":material/error:", "warning": ":material/warning:"}


def report_view(data_set: DataSet) -> None:
    """Problems one by one, the rows that can't be used, and the next steps."""
    for note in data_set.report.get("notes", []):
        st.info(plain_markdown(note))
    problems = data_set.report["problems"]
    if not problems:
        st.success("No problems found.", icon=":material/check:")
    for problem in _chosen(problems):
        _show(problem, data_set.id)
    _bad_rows(data_set)
    _next_steps(data_set)


def _chosen(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All problems, or those of the kinds that were picked."""
    if len(problems) < 2:
        return problems
    picked = st.pills(
        "Show",
        [problem["code"] for problem in problems],
        selection_mode="multi",
        key="problems",
        bind="query-params",
    )
    return [problem for problem in problems if not picked or problem["code"] in picked]


def _show(problem: dict[str, Any], data_set_id: int) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            severity = problem["severity"]
            colour: Literal["red", "orange"] = "red" if severity == "error" else "orange"
            st.badge(severity, icon=_ICONS[severity], color=colour)
            st.markdown(f"**{count_of(problem['count'], 'row')}**")
        st.text(_sentence(problem["message"]))
        st.text(f"What to do: {problem['fix']}.")
        rows = [str(row) for row in problem["rows"]]
        more = " …" if problem["count"] > len(rows) else ""
        st.caption(f"rows {', '.join(rows)}{more}")
        if problem["severity"] == "warning" and st.button(
            "Show these pairs", key=f"jump {problem['code']}"
        ):
            go_to("data", data=str(data_set_id), view="Pairs", problem=problem["code"])


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}."


def _bad_rows(data_set: DataSet) -> None:
    rows = data_set.report.get("bad_rows", [])
    if not rows:
        return
    num_bad = data_set.num_rows - data_set.num_usable
    with st.expander(f"{count_of(num_bad, 'row')} that can't be used"):
        shown = [row | {"codes": ", ".join(row["codes"])} for row in rows]
        st.dataframe(pd.DataFrame(shown), hide_index=True)
        if num_bad > MAX_BAD_ROWS:
            st.caption(f"The first {MAX_BAD_ROWS} of them.")
        st.download_button(
            f"Download {'it' if num_bad == 1 else f'all {num_bad:,}'}",
            lambda: studio().artifacts.read(data_set.report[UNUSABLE]),
            f"{Path(data_set.name).stem}-unusable.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            help="Whole rows as they came, each with its number and what is wrong with it.",
            on_click="ignore",
        )


def _next_steps(data_set: DataSet) -> None:
    num_unscored = data_set.num_usable - data_set.num_scored
    data = str(data_set.id)
    if data_set.num_scored:
        label = f"Use the {count_of(data_set.num_scored, 'scored pair')}: cut the stages"
        link_to("stages", label, ":material/content_cut:", data=data)
    if num_unscored:
        label = f"Score the {count_of(num_unscored, 'unscored pair')} with a detector"
        link_to("detector", label, ":material/gavel:", data=data, detector_view="Score")
