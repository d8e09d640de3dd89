"""Stages for other programs: asked for, made by a worker, downloaded."""

import streamlit as st

from app.server.model_downloads import address_of
from app.state.evaluations import EvaluatedPipeline
from app.state.run_queue import run_queue
from app.state.session import studio
from app.state.settings import app_settings
from app.state.stored_spec import reading
from app.text.formatting import count_of, plain_markdown, sentence, size, stage_title
from app.text.run_text import standing
from app.ui.allowed import allowed
from app.ui.errors import failures_shown, guarded
from app.ui.running_work import share_done
from app.url.widgets import linked_selectbox
from grice_core.export.choices import Form, WeightDtype, dtypes_of
from grice_core.store import model_exports
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from grice_core.store.targets import run_target

_FORMS: dict[Form, str] = {"merged": "Whole model", "gguf": "GGUF"}
_NEEDS_CONVERTER = (
    "GGUF needs llama.cpp's convert_hf_to_gguf.py and the package gguf where a worker runs: put it on PATH, "
    "or name it by GRICE_GGUF_CONVERTER, and restart the worker."
)


def models_view(pipeline: EvaluatedPipeline, stages: list[str]) -> None:
    """Have a stage written as one whole model, or for llama.cpp; below, what was made so far."""
    st.caption(
        "A worker merges base and adapter into one model, reads it back and compares it with the one that was "
        "evaluated. The adapters alone are under Export, above."
    )
    stage, form, dtype = _choose(stages)
    may_write = form == "merged" or any(worker.writes_gguf for worker in run_queue().workers())
    can = allowed(unless=not may_write, explained=None if may_write else _NEEDS_CONVERTER)
    if st.button("Export this model", type="primary", icon=":material/package_2:", **can):
        with failures_shown():
            run_queue().model_exports.submit(pipeline.id, stage, form, dtype)
    if not may_write:
        st.caption(plain_markdown(_NEEDS_CONVERTER))
    _exports(pipeline.id)
    st.caption(
        "Onto the model hub, by the command (private, unless --public is added; --dry-run shows what would be sent):"
    )
    weights = "" if dtype == "fp32" else f" --dtype {dtype}"
    st.code(
        f"grice export studio:{pipeline.id}/{stage} --to hub:OWNER/NAME --as {form}{weights} --dry-run",
        language=None,
        wrap_lines=True,
    )


def _choose(stages: list[str]) -> tuple[str, Form, WeightDtype]:
    left, middle, right = st.columns(3)
    with left:
        stage = linked_selectbox("Stage", "export", stages[::-1], stage_title)
    with middle:
        form: Form = st.segmented_control(
            "Form", list(_FORMS), default="merged", format_func=_FORMS.__getitem__, required=True
        )
    with right:
        dtype: WeightDtype = st.segmented_control(
            "Weights",
            list(dtypes_of(form)),
            default="fp32",
            required=True,
            key=f"weights {form}",
            help="fp32 is the evaluated model exactly. Fewer bits are refused where rounding would hide the "
            "training.",
        )
    return stage, form, dtype


def _exports(pipeline_id: int) -> None:
    """What was asked for, live as long as something of it is not done."""
    found = model_exports.of_pipeline(studio().database, pipeline_id)
    is_live = any(not run.state.is_finished() for run in found)

    @guarded
    def show() -> None:
        now = model_exports.of_pipeline(studio().database, pipeline_id)
        run_queue().take_from_dead()
        for run in now:
            with st.container(border=True), failures_shown(), reading(run):
                _export(run)
        if is_live and all(run.state.is_finished() for run in now):
            st.rerun()

    st.fragment(show, run_every=app_settings().refresh_s if is_live else None)()


def _export(run: Run) -> None:
    what = f"{stage_title(run.stage or '')} · {_FORMS[run.spec['form']]}, {run.spec['dtype']}"
    made = run.result if run.state is RunState.SUCCEEDED else None
    with st.container(horizontal=True, vertical_alignment="center"):
        if made is None:
            st.markdown(f"**{plain_markdown(what)}**: {plain_markdown(standing(run))}")
        else:
            amount = f"{size(made['size_bytes'])} in {count_of(made['num_files'], 'file')}"
            st.markdown(f"**{plain_markdown(what)}** · {plain_markdown(amount)}")
            st.link_button("Download", address_of(run.id), icon=":material/download:")
        _act(run)
    if run.state is RunState.RUNNING:
        st.progress(share_done(run))
    if run.error and run.state is RunState.FAILED:
        st.error(plain_markdown(sentence(run.error)), icon=":material/error:")
    if made is not None:
        st.caption(
            plain_markdown(sentence(f"{made['comparison']}. In the unpacked folder")[:-1] + ":")
        )
        st.code("\n".join(made["serve"]), language=None, wrap_lines=True)


def _act(run: Run) -> None:
    """Stop it, let it continue, or delete what it made."""
    may, queue = allowed(target=run_target(run)), run_queue()
    if run.state.is_finished():
        if run.state is not RunState.SUCCEEDED and st.button(
            "Resume", key=f"resume {run.id}", **may
        ):
            queue.resume(run.id)
            st.rerun()
        if st.button("Delete", icon=":material/delete:", key=f"delete {run.id}", **may):
            queue.model_exports.remove(run.id)
            st.rerun()
    elif not run.stop_requested and st.button("Stop", key=f"stop {run.id}", **may):
        queue.stop(run.id)
        st.rerun(scope="fragment")
