"""Measuring a detector on labelled texts, alone or beside another one."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.detector_command import evaluate
from app.failures import show_error
from app.linked import keep_linked, linked_or_none
from app.session import studio
from app.uploads import as_file
from app.wording import plain_markdown, signed
from grice_core.detector.metrics import Estimate, Metrics
from grice_core.detector.record import DetectorRecord
from grice_core.errors import GriceError
from grice_core.maxims import MAXIMS
from grice_core.store.tables import Detector

_LABELS = "Labelled texts: JSON with input_text and labels"


def detector_evaluation(detector: Detector) -> None:
    """A form; the figures then stand on the detector's card."""
    with st.form("evaluate"):
        labels = st.file_uploader(_LABELS)
        asked = st.form_submit_button("Evaluate", type="primary", icon=":material/fact_check:")
    if asked and labels is not None:
        measured = _measured(labels, (detector,))
        if measured:
            keep_linked("detector", str(measured[0].id))
            st.success("Measured: the figures are on its card.", icon=":material/check:")


def detector_comparison(detector: Detector, known: Mapping[str, Detector]) -> None:
    """Two detectors beside each other, as far as they were measured on the same labels."""
    others = [key for key, one in known.items() if one.id != detector.id]
    if not others:
        st.info("There is one detector only. Import or make another one to compare it with.")
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
        st.info("They have not been measured on the same labels yet.", icon=":material/info:")
        _measure_both(detector, other)
        return
    names = plain_markdown(detector.name), plain_markdown(other.name)
    st.markdown(f"F1 on the same {ours.num_texts:,} labelled texts, with 95 % intervals:")
    st.table(comparison_table(ours, theirs, names))
    st.caption(
        "Intervals that don't touch: the difference is real. Otherwise these labels can't tell."
    )


def comparison_table(ours: Metrics, theirs: Metrics, names: tuple[str, str]) -> pd.DataFrame:
    """F1 of both, maxim by maxim, the difference, and which one is better if that can be told."""
    rows = []
    for maxim in MAXIMS:
        one, other = ours.maxims[maxim].f1, theirs.maxims[maxim].f1
        rows.append(
            (
                _with_interval(one),
                _with_interval(other),
                signed(one.value - other.value),
                _better(one, other, names),
            )
        )
    first, second = names
    if first == second:
        second = f"{second} (the other)"
    columns = [first, second, "difference", "better"]
    return pd.DataFrame(rows, index=[maxim.value for maxim in MAXIMS], columns=columns)


def _better(one: Estimate, other: Estimate, names: tuple[str, str]) -> str:
    if one.low > other.high:
        return names[0]
    if other.low > one.high:
        return names[1]
    return "can't be told"


def _with_interval(figure: Estimate) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _measure_both(detector: Detector, other: Detector) -> None:
    with st.form("evaluate both"):
        labels = st.file_uploader(_LABELS)
        asked = st.form_submit_button("Measure both", type="primary", icon=":material/fact_check:")
    if asked and labels is not None:
        measured = _measured(labels, (detector, other))
        if measured:
            keep_linked("detector", str(measured[0].id))
            keep_linked("against", str(measured[1].id))
            st.rerun()


def _measured(labels: UploadedFile, wanted: tuple[Detector, ...]) -> list[Detector]:
    """The detectors, now with figures on these labels; none if that failed, which is then shown."""
    with as_file(labels) as path:
        try:
            with st.spinner("Judging the labelled texts …"):
                return [evaluate(studio(), detector, path) for detector in wanted]
        except GriceError as error:
            show_error(error)
            return []


def _metrics(detector: Detector) -> Metrics | None:
    return DetectorRecord.model_validate(detector.card).metrics
