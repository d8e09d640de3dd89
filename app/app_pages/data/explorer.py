"""Browsing and searching the pairs of a data set, a page at a time."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from app.app_pages.data.facets import facets
from app.app_pages.data.findings_view import in_words
from app.app_pages.data.marking import marked_rows, marking
from app.state.session import open_data, studio
from app.text.formatting import count_of, plain_markdown, signed
from app.ui.errors import guarded
from app.ui.pair_query import ORDERS, link_query, margin_text
from app.ui.pair_rows import pair_rows
from app.ui.pair_view import pair_view
from app.ui.shown_pairs import first_page
from app.url import params
from app.url.widgets import linked_page, page_chooser
from grice_core.data.excerpts import Frame
from grice_core.data.explore import MarginRange, PairQuery, find_pairs
from grice_core.data.export import write_jsonl
from grice_core.data.pairs import IntArray, PairTable
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store.tables import DataSet

PAGE_SIZE = 25


@st.cache_resource(max_entries=8, show_spinner="Searching …")
def find(sha256: str, query: PairQuery) -> IntArray:
    """The pairs that a query finds; the same for everybody who asks."""
    found = find_pairs(open_data(sha256).table, query)
    found.setflags(write=False)
    return found


@st.cache_resource(max_entries=8)
def frame_of(sha256: str) -> Frame:
    """What the prompts of a data set share."""
    table = open_data(sha256).table
    return Frame.of(table.texts.column("prompt").slice(0, 2_000).to_pylist())


@st.fragment
@guarded
def explorer(data_set: DataSet) -> None:
    """Search field, filters, table, and the pair that was picked from it."""
    query = _ask()
    found = find(data_set.artifact_sha256, query)
    table = open_data(data_set.artifact_sha256).table
    st.markdown(f"**{found.size:,}** of {count_of(len(table), 'pair')}")
    if not found.size:
        st.info("No matching pairs. Shorten the search or remove a filter.")
        return
    facets(table.margins[found], data_set.report["problems"])
    num_pages = -(-found.size // PAGE_SIZE)
    page = linked_page(num_pages)
    lines = table.take(found[(page - 1) * PAGE_SIZE :][:PAGE_SIZE])
    shown = _shown(lines)
    pair_rows(
        lines,
        frame_of(data_set.artifact_sha256),
        query.words.strip(),
        shown=int(lines.rows[shown]),
        marked=marked_rows(data_set),
        on_pick=_pick,
        key="pairs",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        page_chooser(num_pages, page)
        _export(data_set, table, found)
    marking(data_set, int(lines.rows[shown]), table.rows[found])
    pair_view(lines.take([shown]), query.words.strip())


def _pick(row: int) -> None:
    params.put("pair", str(row))


def _shown(lines: PairTable) -> int:
    """Which line the link names; the first one otherwise."""
    linked = params.get("pair")
    rows = lines.rows.tolist()
    return rows.index(int(linked)) if linked.isdecimal() and int(linked) in rows else 0


def _ask() -> PairQuery:
    left, middle, right = st.columns([3, 1, 1], vertical_alignment="bottom")
    words = left.text_input(
        "Search in prompts and responses", key="q", bind="query-params", on_change=first_page
    )
    order = middle.selectbox(
        "Order by", ORDERS, key="order", bind="query-params", on_change=first_page
    )
    descending = right.toggle("Descending", key="desc", bind="query-params", on_change=first_page)
    linked = link_query(params.get_all("margin"), params.get("rows"), params.get("problem"))
    with st.container(horizontal=True):
        for wanted in linked.margins:
            label = f"{wanted.maxim} {signed(wanted.low)} to {signed(wanted.high)}"
            _removable(label, "margin", margin_text(wanted))
        if linked.rows:
            _removable(f"only {count_of(len(linked.rows), 'row')}", "rows", params.get("rows"))
        if linked.problem:
            label = f"only with “{in_words(linked.problem)}”"
            _removable(plain_markdown(label), "problem", linked.problem)
        _margin_filter()
    return replace(linked, words=words, order=order, descending=descending)


def _removable(label: str, param: str, value: str) -> None:
    """A filter of the link that goes away when it is clicked."""

    def remove() -> None:
        first_page()
        params.put(param, [one for one in params.get_all(param) if one != value])

    st.button(label, icon=":material/close:", key=f"filter {param} {value}", on_click=remove)


def _margin_filter() -> None:
    """A range of one data margin, added to those that are asked for."""
    with st.popover("Filter by margin", icon=":material/filter_alt:"):
        maxim = st.selectbox("Maxim", MAXIMS, format_func=lambda one: one.value, key="by maxim")
        low, high = st.slider("Data margin", -1.0, 1.0, (0.0, 1.0), 0.05, key="by margin")

        def add() -> None:
            first_page()
            text = margin_text(MarginRange(Maxim(maxim), low, high))
            others = [one for one in params.get_all("margin") if one != text]
            params.put("margin", [*others, text])

        st.button("Show these pairs", type="primary", on_click=add)


def _export(data_set: DataSet, table: PairTable, found: IntArray) -> None:
    def content() -> bytes:
        with TemporaryDirectory(dir=studio().scratch) as folder:
            path = Path(folder) / "pairs.jsonl"
            write_jsonl(path, table.take(found))
            return path.read_bytes()

    st.download_button(
        f"Download {'this' if found.size == 1 else f'these {found.size:,}'}",
        content,
        f"{Path(data_set.name).stem}-selection.jsonl",
        mime="application/jsonl",
        icon=":material/download:",
        on_click="ignore",
    )
