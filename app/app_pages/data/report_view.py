"""The validation report of a data set: what is wrong, where, what to do."""

import streamlit as st

from app.app_pages.data.findings_view import Findings, findings_view, in_words
from app.app_pages.data.reading_form import first_texts
from app.state.session import open_data, studio
from app.text.formatting import count_of, plain_markdown
from app.ui.shown_pairs import show_pairs
from app.url.navigation import link_to
from grice_core.registry import holds_prompts_alone
from grice_core.rounds.provenance import origins_of
from grice_core.store.references import UNUSABLE
from grice_core.store.tables import DataSet


def report_view(data_set: DataSet) -> None:
    """What the file was read as, where sampled pairs come from, problems one by one, the rows that can't be used, and the next steps."""
    _read_as(data_set)
    for origin in origins_of(open_data(data_set.artifact_sha256).table):
        st.caption(f":material/forum: {plain_markdown(origin)}")
    findings = Findings(
        data_set.name,
        data_set.report,
        lambda: studio().artifacts.read(data_set.report[UNUSABLE]),
        lambda code: show_pairs(problem=code),
    )
    kinds = [problem["code"] for problem in data_set.report["problems"]]
    findings_view(findings, _picked(kinds) if len(kinds) > 1 else [])
    _next_steps(data_set)


def _read_as(data_set: DataSet) -> None:
    """The layout, and the first pair, by which one sees what was taken for what."""
    read_as = data_set.report.get("read_as")
    if not read_as:  # stored before files were told apart
        return
    with st.container(border=True):
        st.markdown(f"Read as: **{plain_markdown(read_as)}**")
        texts = open_data(data_set.artifact_sha256).table.texts.slice(0, 1).to_pylist()
        first_texts({name: text for row in texts for name, text in row.items() if text})


def _picked(kinds: list[str]) -> list[str]:
    """The kinds of problems that were picked; none: all of them."""
    return st.pills(
        "Show",
        kinds,
        selection_mode="multi",
        format_func=in_words,
        key="problems",
        bind="query-params",
    )


def _next_steps(data_set: DataSet) -> None:
    num_unscored = data_set.num_usable - data_set.num_scored
    data = str(data_set.id)
    if data_set.num_scored:
        label = f"Use the {count_of(data_set.num_scored, 'scored pair')}: cut the stages"
        link_to("stages", label, ":material/content_cut:", data=data)
    if num_unscored and not holds_prompts_alone(data_set):
        label = f"Score the {count_of(num_unscored, 'unscored pair')} with a detector"
        link_to("detector", label, ":material/gavel:", data=data, detector_view="Score")
