"""Making a detector as a queued run: trained on labels, distilled from scored pairs, or calibrated."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, cast

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.app_pages.detector.labels_layout import labels_layout
from app.app_pages.detector.own_runs import ask_for_detector, own_runs
from app.state.session import known_data_sets, open_data, studio
from app.text.formatting import told_apart
from app.ui.allowed import allowed
from app.ui.uploads import as_file, file_name
from app.url.navigation import link_to
from app.url.widgets import linked_radio
from grice_core.data.export import write_jsonl
from grice_core.store.states import RunKind
from grice_core.store.tables import DataSet, Detector
from worker.client import DetectorRequest

How = Literal["train", "distill", "calibrate"]

HOW = "how"
"""In links: the way in which a detector is made."""
CALIBRATE: Final = "calibrate"
_WAYS: dict[str, tuple[str, str]] = {
    "train": (
        "Train on labelled texts",
        "A new detector trained on people's labels.",
    ),
    "distill": (
        "Distil from scored pairs",
        "A new detector trained to reproduce another one's scores: a smaller encoder is faster.",
    ),
    CALIBRATE: (
        "Calibrate this detector on labelled texts",
        "A copy of this detector with probabilities and thresholds fitted to the labels.",
    ),
}


def detector_fit(detector: Detector) -> None:
    """The ways in which one is made, the form of one of them, and how far such runs are."""
    detector_form(
        cast(How, linked_radio("How", HOW, list(_WAYS), lambda way: _WAYS[way][0])), detector
    )


def detector_form(how: How, detector: Detector | None) -> None:
    """A form; below it, how far such runs are and what they made."""
    st.caption(_WAYS[how][1])
    scored = [one for one in known_data_sets() if one.num_scored]
    if how == "distill" and not scored:
        st.info("No pairs are scored yet: upload scored ones, or have a detector score yours.")
        link_to("data", "Upload your own pairs", ":material/upload:")
    else:
        _form(how, detector, scored)
    own_runs(RunKind.FIT_DETECTOR)


def _form(how: How, detector: Detector | None, scored: Sequence[DataSet]) -> None:
    calibrated = detector if how == CALIBRATE else None
    if how != "distill":
        labels_layout(how)
    with st.form(f"fit {how}"):
        data = (
            _choose_pairs(scored)
            if how == "distill"
            else st.file_uploader("Labelled texts", **allowed())
        )
        name = st.text_input(
            "Name of the new detector",
            value="my detector" if calibrated is None else f"{calibrated.name}, calibrated",
            max_chars=80,
        ).strip()
        start, settings = (calibrated, {}) if calibrated else _choose_start()
        parts = _choose_parts() if how == "train" else 1
        asked = st.form_submit_button("Queue training", type="primary", **allowed())
    if not asked:
        return
    if data is None or not name or not start:
        st.warning("Give labelled texts, a name and a base encoder.")
        return
    with _file_of(data) as path:
        for title, own in _parts(name, settings, parts):
            ask_for_detector(DetectorRequest(how, path, start, title, own))


def _choose_pairs(scored: Sequence[DataSet]) -> DataSet:
    by_id = {one.id: one for one in scored}
    titles = told_apart(
        {key: f"{one.name} ({one.num_scored:,} scored)" for key, one in by_id.items()}
    )
    return by_id[st.selectbox("Scored pairs", list(by_id), format_func=titles.__getitem__)]


def _choose_start() -> tuple[str, dict[str, float]]:
    """The encoder of a new detector, and how it learns."""
    start = st.text_input(
        "Base encoder: hub id, or folder on the server",
        value="microsoft/deberta-v3-small",
    )
    return start.strip(), {"epochs": st.number_input("Epochs", 1, 100, 5)}


def _choose_parts() -> int:
    return int(
        st.number_input(
            "Detectors on disjoint dialogues",
            1,
            10,
            1,
            help="2 or more: the labels are split by dialogue into so many parts, and a detector is trained on "
            "each. One can then be the second judge of the other's pipelines.",
        )
    )


def _parts(
    name: str, settings: dict[str, float], num_parts: int
) -> Iterator[tuple[str, dict[str, float]]]:
    """What each detector is called, and how it is trained."""
    if num_parts == 1:
        yield name, settings
        return
    for part in range(1, num_parts + 1):
        own = settings | {"num_parts": num_parts, "part": part}
        yield f"{name}, part {part} of {num_parts}", own


@contextmanager
def _file_of(data: DataSet | UploadedFile) -> Iterator[Path]:
    """The labelled texts, or the pairs of a data set, as the command would be given them."""
    if not isinstance(data, DataSet):
        with as_file(data) as path:
            yield path
        return
    with TemporaryDirectory(dir=studio().scratch) as folder:
        path = Path(folder) / f"{Path(file_name(data.name)).stem}.jsonl"
        write_jsonl(path, open_data(data.artifact_sha256).table)
        yield path
