"""Runs: is it going well, and when is it done?"""

from collections.abc import Sequence

import streamlit as st

from app.components.number_table import Cell, number_table
from app.components.queue_view import queue_view
from app.components.run_view import run_view
from app.failures import guarded
from app.linked import keep_linked, linked, linked_selectbox
from app.navigation import link_to
from app.run_words import chain_label, current
from app.session import studio
from app.widget_keys import widget_key
from app.wording import plain_markdown
from grice_core.recipes.config import Recipe
from grice_core.recipes.differences import differences
from grice_core.recipes.load import DEFAULT_RECIPE, load_recipe
from grice_core.store import pipelines, runs
from grice_core.store.pipelines import PipelineSummary
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import Pipeline, Run

REFRESH_S = 2.0


def show() -> None:
    """The page."""
    st.title("Runs")
    known = {str(found.pipeline.id): found for found in pipelines.page(studio().database)}
    if not known:
        st.info("Nothing was ever launched here.", icon=":material/rocket_launch:")
        link_to("launch", "Launch a pipeline", ":material/rocket_launch:")
        return
    with st.expander("Queue", icon=":material/low_priority:", expanded=False):
        queue_view()
    chosen = linked_selectbox(
        "Pipeline",
        "pipeline",
        list(known),
        lambda key: f"{key} · {known[key].pipeline.name}",
        default=_busiest(known),
    )
    pipeline = known[chosen].pipeline
    st.caption(
        plain_markdown(
            f"base {pipeline.base} · seed {pipeline.spec.get('seed', '–')} · "
            f"precision {pipeline.spec.get('precision', '–')}"
        )
    )
    st.fragment(_live, run_every=None if known[chosen].is_finished() else REFRESH_S)(pipeline.id)
    _settings(pipeline)


def _busiest(known: dict[str, PipelineSummary]) -> str:
    """The newest pipeline that runs, else the newest."""
    running = (
        key
        for key, found in known.items()
        if any(run.state is RunState.RUNNING for run in found.runs)
    )
    return next(running, next(iter(known)))


@guarded
def _live(pipeline_id: int) -> None:
    """What changes while one watches; it alone is run again."""
    chain = runs.of_pipeline(studio().database, pipeline_id)
    run_id = _choose_run(chain)
    run_view(run_id)
    evaluation = next((run for run in chain if run.kind is RunKind.EVALUATE), None)
    if evaluation and evaluation.state is RunState.SUCCEEDED:
        link_to("compare", "Compare what came out", ":material/balance:", pipeline=str(pipeline_id))


def _choose_run(chain: Sequence[Run]) -> int:
    by_id = {str(run.id): run for run in chain}
    # Not named by the link: the run where something happens, which changes as the chain goes on.
    key = widget_key("chain", linked("run", list(by_id), str(current(chain).id)))
    chosen = st.segmented_control(
        "Chain",
        list(by_id),
        key=key,
        format_func=lambda key: chain_label(by_id[key]),
        required=True,
        label_visibility="collapsed",
        on_change=lambda: keep_linked("run", st.session_state[key]),
    )
    return int(str(chosen))


def _settings(pipeline: Pipeline) -> None:
    recipe = Recipe.model_validate(pipeline.spec["recipe"])
    found = differences(recipe, load_recipe(DEFAULT_RECIPE))
    with st.expander(f"Settings that differ from the guide ({len(found)})"):
        if not found:
            st.caption("None: this is the guide's recipe.")
            return
        rows = [[Cell(each.name), Cell(each.here), Cell(each.there, tone="dim")] for each in found]
        number_table(("setting", "here", "guide"), rows, key=f"settings {pipeline.id}")
