"""Measuring a detector on labelled texts, alone or beside another one."""

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.app_pages.detector.judge_tables import comparison_rows, comparison_titles
from app.app_pages.detector.labels_layout import labels_layout
from app.app_pages.detector.own_runs import ask_for_detector, own_runs
from app.state.session import studio
from app.text.formatting import plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import guarded
from app.ui.number_table import number_table
from app.ui.uploads import as_file
from app.url import params
from app.url.widgets import linked_or_none
from grice_core.detector.metrics import Metrics
from grice_core.detector.record import DetectorRecord
from grice_core.store import runs
from grice_core.store.states import RunKind
from grice_core.store.tables import Detector
from worker.client import DetectorRequest

_LABELS = "Labelled texts"
_COMPARED = ("detector", "against")
"""In links: the detectors that are compared."""
_EVALUATING = "evaluating"
"""In links: the runs that evaluate both."""


def detector_evaluation(detector: Detector) -> None:
    """A form, and how far such runs are; the figures then stand on the detector's card."""
    labels_layout("evaluate")
    st.caption("Texts that the detector was trained on don't count, whatever their file is called.")
    with st.form("evaluate"):
        labels = st.file_uploader(_LABELS, **allowed())
        asked = st.form_submit_button(
            "Evaluate", type="primary", icon=":material/fact_check:", **allowed()
        )
    if asked:
        _ask(labels, (detector,))
    own_runs(RunKind.FIT_DETECTOR)


def detector_comparison(detector: Detector, known: Mapping[str, Detector]) -> None:
    """Two detectors beside each other, as far as they were measured on the same labels."""
    others = [key for key, one in known.items() if one.id != detector.id]
    if not others:
        st.info("There is only one detector. Import or train another one to compare it with.")
        return
    chosen = linked_or_none(
        "Compare with",
        "against",
        others,
        lambda key: f"{known[key].name} (no. {key})",
        nothing="Choose another detector",
    )
    if chosen is None:
        return
    other = known[chosen]
    ours, theirs = _metrics(detector), _metrics(other)
    if ours is None or theirs is None or ours.data_sha256 != theirs.data_sha256:
        st.info("They have not been evaluated on the same labels yet.", icon=":material/info:")
        _measure_both(detector, other)
        return
    if ours.num_texts != theirs.num_texts:
        st.info(
            f"Of these labels {ours.num_texts:,} count for {plain_markdown(detector.name)} and "
            f"{theirs.num_texts:,} for {plain_markdown(other.name)}, since a detector is not measured "
            "on texts that it was trained on. To compare them, give labels that neither has seen.",
            icon=":material/info:",
        )
        _measure_both(detector, other)
        return
    names = detector.name, other.name
    st.markdown(f"F1 on the same {ours.num_texts:,} labelled texts, with 95 % intervals:")
    rows = comparison_rows(ours, theirs, names)
    number_table(comparison_titles(names), rows, key="detectors compared")
    st.caption(
        "Intervals that don't overlap show a real difference; otherwise these labels can't tell them apart."
    )


def _measure_both(detector: Detector, other: Detector) -> None:
    with st.form("evaluate both"):
        labels = st.file_uploader(_LABELS, **allowed())
        asked = st.form_submit_button(
            "Evaluate both", type="primary", icon=":material/fact_check:", **allowed()
        )
    if asked:
        params.put(_EVALUATING, _ask(labels, (detector, other)))
    _go_on_when_both_are_done()
    own_runs(RunKind.FIT_DETECTOR)


def _ask(labels: UploadedFile | None, wanted: tuple[Detector, ...]) -> list[str]:
    """Have the detectors evaluated on these labels; returns the runs, none if that can't be."""
    if labels is None:
        st.warning("Give labelled texts.")
        return []
    with as_file(labels) as path:
        asked = [
            ask_for_detector(DetectorRequest("evaluate", path, detector, detector.name))
            for detector in wanted
        ]
    return [str(run_id) for run_id in asked if run_id is not None]


@st.fragment(run_every=1)
@guarded
def _go_on_when_both_are_done() -> None:
    """Show the comparison of what two runs made, once both have succeeded."""
    asked = [text for text in params.get_all(_EVALUATING) if text.isdecimal()]
    if len(asked) != len(_COMPARED):
        return
    made = [(runs.get(studio().database, int(run_id)).result or {}) for run_id in asked]
    if all("detector_id" in result for result in made):
        for name, result in zip(_COMPARED, made, strict=True):
            params.put(name, str(result["detector_id"]))
        params.drop(_EVALUATING)
        st.rerun()


def _metrics(detector: Detector) -> Metrics | None:
    return DetectorRecord.model_validate(detector.card).metrics
