"""Making a detector as a queued run: trained on labels, distilled from scored pairs, or calibrated."""

import uuid

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.components.own_runs import own_runs
from app.run_queue import run_queue
from app.session import studio
from app.uploads import as_file
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft
from grice_core.store.tables import Detector, JsonObject

_WAYS = {
    "train": "Train on labelled texts",
    "distill": "Distil from scored pairs",
    "calibrate": "Calibrate this detector on labelled texts",
}


def detector_fit(detector: Detector | None) -> None:
    """A form; below it, how far such runs are and what they made."""
    ways = [way for way in _WAYS if detector is not None or way != "calibrate"]
    how = st.radio("How", ways, format_func=_WAYS.__getitem__, key="fit_how")
    with st.form("fit"):
        data = st.file_uploader(
            "Scored pairs" if how == "distill" else "Labelled texts: JSON with input_text, labels"
        )
        name = st.text_input("Name of the new detector", value="my detector", max_chars=60)
        start = st.text_input(
            "Encoder to start from: hub id, or folder on the server",
            value="microsoft/deberta-v3-small",
            disabled=how == "calibrate",
        )
        epochs = st.number_input("Epochs", 1, 100, 5, disabled=how == "calibrate")
        asked = st.form_submit_button("Put into the queue", type="primary")
    if asked and (data is None or not name.strip()):
        st.warning("Give a file and a name.")
    elif asked and data is not None:
        start_with = _start(detector, start, how)
        settings: JsonObject = {} if how == "calibrate" else {"epochs": int(epochs)}
        _submit(how, data, name.strip(), start_with, settings)
    own_runs(RunKind.FIT_DETECTOR)


def _submit(
    how: str, data: UploadedFile, name: str, start: JsonObject | str, settings: JsonObject
) -> None:
    spec: JsonObject = {
        "how": how,
        "data": _stored(data),
        "start": start,
        "name": name,
        "settings": settings,
    }
    run_id = run_queue().submit_run(RunDraft(uuid.uuid4().hex, RunKind.FIT_DETECTOR, spec))
    st.success(f"Run {run_id} is in the queue.", icon=":material/schedule:")


def _start(detector: Detector | None, start: str, how: str) -> JsonObject | str:
    """What the run begins with, as its spec says it."""
    if how == "calibrate" and detector is not None:
        return {"name": detector.name, "sha256": detector.artifact_sha256}
    return start.strip()


def _stored(uploaded: UploadedFile) -> JsonObject:
    """Put the file where the worker finds it."""
    with as_file(uploaded) as path:
        return {"name": path.name, "sha256": studio().artifacts.put_file(path).sha256}
