"""The verdict on one pipeline, and why: sentence, table, plot, criteria, what was lost again."""

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from app.app_pages.compare.comparison_exports import comparison_exports
from app.app_pages.compare.comparison_tables import (
    RETENTION_TITLES,
    lost_again,
    rate_rows,
    retention_blocks,
)
from app.app_pages.compare.gold_view import gold_view, rates_by_judgements
from app.app_pages.compare.judges_view import alarms
from app.app_pages.compare.rates_figure import rates_figure
from app.state.evaluations import EvaluatedPipeline
from app.text.formatting import plain_markdown, stage_title
from app.ui.errors import guarded
from app.ui.number_table import number_table
from app.url import params
from grice_core.evaluation.endings import endings
from grice_core.evaluation.overview import PipelineView
from grice_core.evaluation.rates import few_prompts
from grice_core.evaluation.table import MARKS, how_to_read
from grice_core.evaluation.true_rates import TrueRates
from grice_core.evaluation.true_rows import true_rows
from grice_core.evaluation.verdict import State

_SECOND_NOTE = "Open circles: by the second judge."
_CORRECTED_NOTE = "Diamonds: corrected by judgements."
_COLOURS = {State.MET: "green", State.NOT_MET: "red", State.UNDECIDED: "orange"}


def verdict_view(pipeline: EvaluatedPipeline, view: PipelineView, colours: Sequence[str]) -> None:
    """Everything that a person has to see first."""
    names = [stage_title(model.name) for model in view.stored.models]
    rows, second = view.rows, view.second_rows
    by_labels = rates_by_judgements(pipeline, view.stored)
    left, right = st.columns([5, 2], vertical_alignment="center")
    with left:
        verdict = plain_markdown(view.verdict.sentence)
        st.markdown(f"#### :{_COLOURS[view.verdict.state]}[{MARKS[view.verdict.state]}] {verdict}")
    with right:
        _take_away(pipeline, view, colours, by_labels)
    if pipeline.is_stale:
        st.warning("A run that this pipeline depends on has been rerun since.")
    left, right = st.columns([3, 2], gap="large")
    with left:
        cells = rate_rows(rows, second)
        number_table(("", *names, "change"), cells, key=f"rates {pipeline.id}")
        notes = [
            *endings(view.stored.models, stage_title),
            *few_prompts(view.stored.models),
            how_to_read(rows[0].change.num_tests),
        ]
        st.caption("  \n".join(map(plain_markdown, notes)))
    with right:
        models = [model.name for model in view.stored.models]
        corrected = true_rows(by_labels, models) if by_labels else []
        st.plotly_chart(
            rates_figure(names, rows, colours, second, corrected),
            key=f"plot {pipeline.id}",
            config={"displayModeBar": False},
            alt=f"Rates of {', '.join(names)} with 95 % intervals. {view.verdict.sentence}",
        )
        notes = [_SECOND_NOTE] * bool(second) + [_CORRECTED_NOTE] * bool(corrected)
        if notes:
            st.caption(" ".join(notes))
    _reasons(pipeline, view)
    gold_view(pipeline, view.stored, by_labels)


@st.fragment
@guarded
def _take_away(
    pipeline: EvaluatedPipeline,
    view: PipelineView,
    colours: Sequence[str],
    by_labels: TrueRates | None,
) -> None:
    """Downloads, and what opens exactly this comparison; the link is made when a user looks, since
    parts of the page that are rerun alone, such as the answers, have changed it since."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        comparison_exports(pipeline, view, colours, by_labels)
        with st.popover("Link", icon=":material/link:", key="comparison link", on_change="rerun"):
            st.caption("Opens exactly this view.")
            st.code(_link(), language=None, wrap_lines=True)


def _link() -> str:
    query = urlencode([(name, value) for name in params.names() for value in params.get_all(name)])
    return f"{(st.context.url or '').partition('?')[0]}?{query}"


def _reasons(pipeline: EvaluatedPipeline, view: PipelineView) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        alarms(view)
        for criterion in view.verdict.criteria:
            mark = f":{_COLOURS[criterion.state]}[{MARKS[criterion.state]}]"
            st.markdown(f"{mark} {plain_markdown(criterion.sentence)}")
        for loss in lost_again(view.changes, view.stored.models[0].name):
            st.markdown(f":red[✗ {plain_markdown(loss)}]")
        for warning in view.stored.document["warnings"]:
            st.warning(plain_markdown(warning))
        for warning in view.stored.second.warnings if view.stored.second else ():
            st.warning(plain_markdown(f"Second judge: {warning}"))
    with right:
        for (before, after), cells in retention_blocks(view.retention, view.changes):
            st.markdown(
                f"**Retention of {plain_markdown(stage_title(before))}'s fixes after {plain_markdown(stage_title(after))}**"
            )
            number_table(RETENTION_TITLES, cells, key=f"kept {pipeline.id} {before} {after}")
