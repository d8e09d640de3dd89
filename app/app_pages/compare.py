"""Compare: did it work, and can I believe it?"""

import streamlit as st

from app.components.answer_browser import answer_browser
from app.components.comparison_exports import comparison_exports
from app.components.comparison_tables import (
    CHANGE_TITLES,
    change_blocks,
    lost_again,
    rate_rows,
)
from app.components.number_table import number_table
from app.components.rates_figure import rates_figure
from app.evaluations import (
    EvaluatedPipeline,
    compare_outputs,
    evaluated_pipelines,
    output_of,
)
from app.linked import linked_selectbox
from app.navigation import link_to
from app.session import studio
from app.theme import BASELINE_COLOUR, stage_colour
from app.wording import plain_markdown
from grice_core.evaluation.overview import Overview, PipelineView
from grice_core.evaluation.rendering import retention_sentences, taught_sentence
from grice_core.evaluation.table import MARKS, comparison_rows, how_to_read
from grice_core.evaluation.verdict import State

_ALONE = "none"
_COLOURS = {State.MET: "green", State.NOT_MET: "red", State.UNDECIDED: "orange"}


def show() -> None:
    """The page."""
    st.title("Compare")
    known = {str(pipeline.id): pipeline for pipeline in evaluated_pipelines(studio())}
    if not known:
        st.info(
            "No pipeline has been evaluated yet. Launch one; its verdict will stand here.",
            icon=":material/balance:",
        )
        link_to("launch", "Launch a pipeline", ":material/rocket_launch:")
        return
    chosen, other = _choose(known)
    addresses = [output_of(studio(), pipeline.run_id) for pipeline in (chosen, other) if pipeline]
    found = _compared(tuple(addresses))
    _pipeline(chosen, found.pipelines[0])
    if other:
        _between(chosen, other, found)
    view = found.pipelines[0]
    st.subheader("Answers", anchor=False)
    answer_browser(view.stored.models, _colours(view), key=f"pipeline {chosen.id}")


@st.cache_resource(max_entries=8, show_spinner="Comparing answers …")
def _compared(addresses: tuple[str, ...]) -> Overview:
    return compare_outputs(studio(), addresses)


def _choose(
    known: dict[str, EvaluatedPipeline],
) -> tuple[EvaluatedPipeline, EvaluatedPipeline | None]:
    left, right = st.columns(2)
    with left:
        chosen = known[
            linked_selectbox("Pipeline", "pipeline", list(known), lambda key: known[key].title)
        ]
    others = {key: pipeline for key, pipeline in known.items() if pipeline != chosen}
    with right:
        against = linked_selectbox(
            "Compare its last stage with that of",
            "against",
            [_ALONE, *others],
            lambda key: others[key].title if key in others else "no other pipeline",
        )
    return chosen, others.get(against)


def _colours(view: PipelineView) -> list[str]:
    stages = range(len(view.stored.models) - 1)
    return [BASELINE_COLOUR, *(stage_colour(index) for index in stages)]


def _pipeline(pipeline: EvaluatedPipeline, view: PipelineView) -> None:
    models, colours = view.stored.models, _colours(view)
    names = [model.name for model in models]
    rows = comparison_rows(models, view.changes)
    left, right = st.columns([6, 1], vertical_alignment="center")
    with left:
        verdict = plain_markdown(view.verdict.sentence)
        st.markdown(f"#### :{_COLOURS[view.verdict.state]}[{MARKS[view.verdict.state]}] {verdict}")
    with right:
        comparison_exports(pipeline, view, colours)
    if pipeline.is_stale:
        st.warning("Something that this pipeline is built on has been run again since.")
    left, right = st.columns([3, 2], gap="large")
    with left:
        number_table(("", *names, "change"), rate_rows(rows), key=f"rates {pipeline.id}")
        st.caption(plain_markdown(how_to_read(rows[0].change.num_tests)))
    with right:
        st.plotly_chart(
            rates_figure(names, rows, colours),
            key=f"plot {pipeline.id}",
            config={"displayModeBar": False},
            alt=f"Rates of {', '.join(names)} with 95 % intervals. {view.verdict.sentence}",
        )
    _reasons(view)
    with st.expander("What changed between the models"):
        for (before, after), cells in change_blocks(view.changes):
            st.markdown(f"**{plain_markdown(before)} → {plain_markdown(after)}**")
            number_table(CHANGE_TITLES, cells, key=f"changes {pipeline.id} {before} {after}")
        st.caption(
            "p: Holm-corrected. Fixed, broken: responses that are fine after and were not before, "
            "and the reverse. Seen: the smallest true change in points that this many prompts show 4 times in 5."
        )


def _reasons(view: PipelineView) -> None:
    for criterion in view.verdict.criteria:
        mark = f":{_COLOURS[criterion.state]}[{MARKS[criterion.state]}]"
        st.markdown(f"{mark} {plain_markdown(criterion.sentence)}")
    for loss in lost_again(view.changes, view.stored.models[0].name):
        st.markdown(f":red[✗ {plain_markdown(loss)}]")
    remarks = [
        *retention_sentences(view.retention),
        *(taught_sentence(stage, pairs) for stage, pairs in view.taught.items()),
    ]
    for remark in remarks:
        st.caption(plain_markdown(remark))
    for warning in view.stored.document["warnings"]:
        st.warning(plain_markdown(warning))


def _between(chosen: EvaluatedPipeline, other: EvaluatedPipeline, found: Overview) -> None:
    st.subheader("Against the other pipeline", anchor=False)
    st.caption(
        f"From the last model of {plain_markdown(chosen.title)} to the last model of "
        f"{plain_markdown(other.title)}, on the prompts that both answered."
    )
    for _, cells in change_blocks(found.between):
        number_table(CHANGE_TITLES, cells, key=f"between {chosen.id} {other.id}")
