"""Making a detector as a queued run: trained on labels, distilled from scored pairs, or calibrated."""

import tempfile
import uuid
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.components.running_work import running_work
from app.session import studio
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft
from grice_core.store.tables import Detector, JsonObject
from worker.queue import RunQueue

_WAYS = {
    "train": "Train on labelled texts",
    "distill": "Distil from scored pairs",
    "calibrate": "Calibrate this detector on labelled texts",
}


def detector_fit(detector: Detector | None) -> None:
    """A form; below it, how far such runs are."""
    running_work((RunKind.FIT_DETECTOR,))
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
    if not asked:
        return
    if data is None or not name.strip():
        st.warning("Give a file and a name.")
        return
    spec: JsonObject = {
        "how": how,
        "data": _stored(data),
        "start": _start(detector, start, how),
        "name": name.strip(),
        "settings": {} if how == "calibrate" else {"epochs": int(epochs)},
    }
    queue = RunQueue(studio().database, studio().artifacts)
    run_id = queue.submit_run(RunDraft(uuid.uuid4().hex, RunKind.FIT_DETECTOR, spec))
    waits = (
        ""
        if queue.is_available()
        else " The queue is unavailable; it begins when a worker is back."
    )
    st.success(f"Run {run_id} is in the queue.{waits}", icon=":material/schedule:")


def _start(detector: Detector | None, start: str, how: str) -> JsonObject | str:
    """What the run begins with, as its spec says it."""
    if how == "calibrate" and detector is not None:
        return {"name": detector.name, "sha256": detector.artifact_sha256}
    return start.strip()


def _stored(uploaded: UploadedFile) -> JsonObject:
    """Put the file where the worker finds it."""
    with tempfile.TemporaryDirectory(dir=studio().scratch) as folder:
        path = Path(folder) / "labels"
        path.write_bytes(uploaded.getbuffer())
        address = studio().artifacts.put_file(path)
    return {"name": Path(uploaded.name).name, "sha256": address.sha256}
