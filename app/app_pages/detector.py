"""Detector: how far can I trust the judge?"""

import json
import tempfile
from pathlib import Path

import streamlit as st

from app.components.detector_card import detector_card, reliability_figure
from app.components.detector_fit import detector_fit
from app.components.detector_import import detector_import
from app.components.detector_trial import detector_trial
from app.components.linked_choice import write_param
from app.detector_command import evaluate
from app.failures import show_error
from app.session import studio
from app.widget_keys import widget_key
from grice_core.detector.record import DetectorRecord
from grice_core.errors import GriceError
from grice_core.maxims import MAXIMS
from grice_core.store import detectors
from grice_core.store.tables import Detector

_VIEWS = ("Card", "Evaluate", "Try by hand", "Make", "Import")


def show() -> None:
    """The page."""
    st.title("Detector")
    known = detectors.page(studio().database)
    if not known:
        st.markdown(
            "A detector is the judge: it gives each response four violation probabilities. "
            "Import one, or make one from labelled texts."
        )
        view = st.segmented_control("View", _VIEWS[-2:], default="Import", key="first_view")
        if view == "Make":
            detector_fit(None)
        else:
            detector_import()
        return
    detector = _choose({str(one.id): one for one in known})
    view = st.segmented_control(
        "View",
        _VIEWS,
        default=_VIEWS[0],
        required=True,
        key="detector_view",
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == "Card":
        detector_card(DetectorRecord.model_validate(detector.card))
        _reliability(detector)
    elif view == "Evaluate":
        _evaluate(detector)
    elif view == "Try by hand":
        detector_trial(detector)
    elif view == "Make":
        detector_fit(detector)
    else:
        detector_import()


def _choose(known: dict[str, Detector]) -> Detector:
    linked = st.query_params.get("detector")
    key = widget_key("detector choice", linked if linked in known else next(iter(known)))

    def choose() -> None:
        write_param("detector", st.session_state[key])

    chosen = st.selectbox(
        "Detector",
        list(known),
        key=key,
        format_func=lambda id_: f"{known[id_].name} (no. {id_})",
        on_change=choose,
    )
    return known[chosen]


def _reliability(detector: Detector) -> None:
    entries = studio().artifacts.folder(detector.artifact_sha256)
    found = next((entry for entry in entries if entry.path == "reliability.json"), None)
    if found is None:
        return
    st.markdown("**Is what it calls 70 % likely so in 70 %?** On the dotted line it would be.")
    document = json.loads(studio().artifacts.read(found.sha256))
    for index, place in enumerate(st.columns(len(MAXIMS))):
        place.plotly_chart(
            reliability_figure(document, index),
            key=f"reliability {index}",
            config={"displayModeBar": False},
            alt=f"Reliability diagram of {MAXIMS[index]}",
        )


def _evaluate(detector: Detector) -> None:
    with st.form("evaluate"):
        labels = st.file_uploader("Labelled texts: JSON with input_text and labels")
        asked = st.form_submit_button("Evaluate", type="primary")
    if not asked or labels is None:
        return
    with tempfile.TemporaryDirectory(dir=studio().scratch) as folder:
        path = Path(folder) / "labels.json"
        path.write_bytes(labels.getbuffer())
        try:
            with st.spinner("Judging the labelled texts …"):
                measured = evaluate(studio(), detector, path)
        except GriceError as error:
            show_error(error)
            return
    write_param("detector", str(measured.id))
    st.success("Measured: the figures are on its card.", icon=":material/check:")
