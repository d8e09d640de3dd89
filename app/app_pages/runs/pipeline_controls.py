"""What can be done with a pipeline as a whole: write on it, ask for it again with changes, delete it."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from app.app_pages.runs.pipeline_words import what_goes
from app.state.launch_start import link_of
from app.state.pipeline_rows import annotate, pipeline_rows
from app.state.run_queue import run_queue
from app.state.session import studio
from app.ui.allowed import allowed
from app.ui.errors import guarded
from app.url import params
from app.url.navigation import link_to
from grice_core.errors import DataError
from grice_core.store import pipeline_table, runs
from grice_core.store.states import RunState
from grice_core.store.tables import Pipeline, Run
from grice_core.store.targets import pipeline_target


def pipeline_controls(pipeline: Pipeline, chain: Sequence[Run]) -> None:
    """Name, tags and note; a link to the filled-in form; a button that asks before it deletes."""
    own = pipeline_target(pipeline)
    if st.button(
        "Name, tags, note", icon=":material/edit_note:", type="tertiary", **allowed(target=own)
    ):
        _annotate(pipeline.id)
    with suppress(DataError):  # what it was asked for can't be read, which the page says
        link_to("launch", "Clone with changes", ":material/content_copy:", **link_of(pipeline))
    running = [run.id for run in chain if run.state is RunState.RUNNING]
    if st.button(
        "Delete",
        icon=":material/delete:",
        key="delete pipeline",
        type="tertiary",
        **allowed(
            target=own,
            unless=bool(running),
            explained=f"Run {running[0]} is running: stop it first." if running else None,
        ),
    ):
        _confirm(pipeline.id)


@st.dialog("Name, tags, note")
@guarded
def _annotate(pipeline_id: int) -> None:
    rows = {row.id: row for row in pipeline_rows()}
    row = rows[pipeline_id]
    known = sorted({tag for each in rows.values() for tag in each.tags})
    with st.form("annotate", border=False):
        name = st.text_input("Name", row.name, max_chars=pipeline_table.LONGEST)
        tags = st.multiselect(
            "Tags",
            known,
            list(row.tags),
            accept_new_options=True,
            placeholder="Choose tags, or type new ones",
        )
        note = st.text_area("Note", row.note or "", height=120)
        is_saved = st.form_submit_button("Save", type="primary")
    if is_saved:
        annotate(pipeline_id, name=name, tags=tags, note=note)
        st.rerun()


@st.dialog("Delete this pipeline?")
@guarded
def _confirm(pipeline_id: int) -> None:
    chain = runs.of_pipeline(studio().database, pipeline_id)
    st.text(
        f"Pipeline {pipeline_id} will be deleted permanently: {what_goes(chain)}. Data sets, recipes and detectors "
        "stay. Disk space is freed when unused files are removed (System page)."
    )
    if st.button("Delete permanently", type="primary", key="delete for good"):
        run_queue().remove(pipeline_id)
        params.drop("pipeline", "run")
        st.rerun()
