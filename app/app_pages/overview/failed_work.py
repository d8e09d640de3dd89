"""What failed, why, and what to do about it."""

import streamlit as st

from app.state.session import studio
from app.text.formatting import count_of, plain_markdown, sentence
from app.text.run_text import action
from app.url.navigation import link_to
from grice_core.store import pipelines, runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import Run

_NUM_SHOWN = 3
_MOST = 200
_TELLING = frozenset(RunKind) - {RunKind.ESTIMATE, RunKind.SAMPLE}
"""Launch tells of estimates itself; a share that fails is written by the run that asked for it."""


def failed_work() -> None:
    """The newest failures, each with its reason and where it is solved; nothing if nothing failed."""
    wanted = RunFilter(states=(RunState.FAILED,), kinds=_TELLING)
    failed = runs.page(studio().database, wanted, limit=_MOST)
    if not failed:
        return
    st.subheader("Failed", anchor=False)
    for run in failed[:_NUM_SHOWN]:
        with st.container(border=True):
            what = f"Run {run.id}: {action(run.kind, run.stage)}{_of_pipeline(run)} failed."
            st.markdown(f":red[✗] **{plain_markdown(what)}**")
            if run.error:
                st.text(sentence(run.error))
            _next_step(run)
    if len(failed) > _NUM_SHOWN:
        others = len(failed) - _NUM_SHOWN
        link_to("runs", f"{count_of(others, 'older failure')} on Runs", ":material/monitoring:")


def _of_pipeline(run: Run) -> str:
    if run.pipeline_id is None:
        return ""
    pipeline = pipelines.get(studio().database, run.pipeline_id)
    return f" of pipeline {pipeline.id}, {pipeline.name},"


def _next_step(run: Run) -> None:
    if run.pipeline_id is not None:
        label = "Read its log, then resume it or launch it with changes"
        query = {"pipeline": str(run.pipeline_id), "run": str(run.id)}
        link_to("runs", label, ":material/monitoring:", **query)
    elif run.kind is RunKind.SCORE_DATA:
        label = "Score the data set again"
        link_to("detector", label, ":material/gavel:", detector_view="Score")
    elif run.kind is RunKind.EXPORT_MODEL:
        query = {"pipeline": str(run.spec.get("pipeline_id", "")), "view": "Models"}
        link_to("compare", "Resume or delete it", ":material/balance:", **query)
    else:
        link_to("detector", "Try it again", ":material/gavel:", detector_view="Train")
