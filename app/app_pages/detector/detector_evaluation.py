"""Measuring a detector on labelled texts, alone or beside another one."""

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.app_pages.detector.judge_tables import comparison_rows, comparison_titles
from app.state.detector_command import evaluate
from app.state.session import studio
from app.ui.errors import show_error
from app.ui.number_table import number_table
from app.ui.uploads import as_file
from app.url import params
from app.url.widgets import linked_or_none
from grice_core.detector.metrics import Metrics
from grice_core.detector.record import DetectorRecord
from grice_core.errors import GriceError
from grice_core.store.tables import Detector

_LABELS = "Labelled texts: JSON with input_text and labels"


def detector_evaluation(detector: Detector) -> None:
    """A form; the figures then stand on the detector's card."""
    with st.form("evaluate"):
        labels = st.file_uploader(_LABELS)
        asked = st.form_submit_button("Evaluate", type="primary", icon=":material/fact_check:")
    if asked:
        measured = _measured(labels, (detector,))
        if measured:
            params.put("detector", str(measured[0].id))
            st.success("Evaluated: the figures are on its card.", icon=":material/check:")


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
    names = detector.name, other.name
    st.markdown(f"F1 on the same {ours.num_texts:,} labelled texts, with 95 % intervals:")
    rows = comparison_rows(ours, theirs, names)
    number_table(comparison_titles(names), rows, key="detectors compared")
    st.caption(
        "Intervals that don't overlap show a real difference; otherwise these labels can't tell them apart."
    )


def _measure_both(detector: Detector, other: Detector) -> None:
    with st.form("evaluate both"):
        labels = st.file_uploader(_LABELS)
        asked = st.form_submit_button("Evaluate both", type="primary", icon=":material/fact_check:")
    if asked:
        measured = _measured(labels, (detector, other))
        if measured:
            params.put("detector", str(measured[0].id))
            params.put("against", str(measured[1].id))
            st.rerun()


def _measured(labels: UploadedFile | None, wanted: tuple[Detector, ...]) -> list[Detector]:
    """The detectors, now with figures on these labels; none if that failed, which is then shown."""
    if labels is None:
        st.warning("Give labelled texts.")
        return []
    with as_file(labels) as path:
        try:
            with st.spinner("Judging the labelled texts …"):
                return [evaluate(studio(), detector, path) for detector in wanted]
        except GriceError as error:
            show_error(error)
            return []


def _metrics(detector: Detector) -> Metrics | None:
    return DetectorRecord.model_validate(detector.card).metrics
