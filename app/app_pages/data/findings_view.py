"""What is wrong with a file, where, and what to do, as a person reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app.text.formatting import count_of, plain_markdown, sentence
from grice_core.registry import MAX_BAD_ROWS
from grice_core.store.tables import JsonObject

_ICONS = {"error": ":material/error:", "warning": ":material/warning:"}


@dataclass(frozen=True)
class Findings:
    """A validation report, and what can be done with what it names."""

    name: str
    """Of the file."""
    report: JsonObject
    read_unusable: Callable[[], bytes]
    """Gives the rows that can't be used, as JSON Lines."""
    show_pairs: Callable[[str], None] | None = None
    """Shows the pairs that have a problem, given by its code, called before the page runs again;
    None: there is nowhere to show them."""

    @property
    def num_bad(self) -> int:
        return int(self.report["num_rows"] - self.report["num_usable"])


def findings_view(findings: Findings, only: list[str] | None = None) -> None:
    """Problems one by one, of all kinds or only some, and the rows that can't be used."""
    for note in findings.report.get("notes", []):
        st.info(plain_markdown(note))
    problems = findings.report["problems"]
    if not problems:
        st.success("No problems found.", icon=":material/check:")
    for problem in problems:
        if not only or problem["code"] in only:
            _show(problem, findings.show_pairs)
    if findings.report.get("bad_rows"):
        _bad_rows(findings)


def in_words(code: str) -> str:
    """What to call a kind of problem, given by its code."""
    return code.replace("_", " ")


def _show(problem: dict[str, Any], show_pairs: Callable[[str], None] | None) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            severity = problem["severity"]
            colour: Literal["red", "orange"] = "red" if severity == "error" else "orange"
            st.badge(severity, icon=_ICONS[severity], color=colour)
            st.markdown(f"**{count_of(problem['count'], 'row')}**")
        st.text(sentence(problem["message"]))
        st.text(sentence(problem["fix"]))
        rows = [str(row) for row in problem["rows"]]
        more = " …" if problem["count"] > len(rows) else ""
        st.caption(f"{'row' if problem['count'] == 1 else 'rows'} {', '.join(rows)}{more}")
        if show_pairs is None or severity != "warning":
            return
        code = problem["code"]
        st.button("Show these pairs", key=f"jump {code}", on_click=show_pairs, args=(code,))


def _bad_rows(findings: Findings) -> None:
    num_bad = findings.num_bad
    st.markdown(f"**{count_of(num_bad, 'row')} that can't be used**")
    shown = [
        {
            "row": row["row"],
            "problem": ", ".join(map(in_words, row["codes"])),
            "content": row["content"],
        }
        for row in findings.report["bad_rows"]
    ]
    st.dataframe(pd.DataFrame(shown), hide_index=True, alt="The rows that can't be used")
    if num_bad > MAX_BAD_ROWS:
        st.caption(f"The first {MAX_BAD_ROWS} of them.")
    st.download_button(
        f"Download {'it' if num_bad == 1 else f'all {num_bad:,}'}",
        findings.read_unusable,
        f"{Path(findings.name).stem}-unusable.jsonl",
        mime="application/jsonl",
        icon=":material/download:",
        help="The original rows, each with its number and problems.",
        on_click="ignore",
        key=f"unusable rows of {findings.name}",
    )
