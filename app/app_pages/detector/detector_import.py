"""Bringing a detector in: a checkpoint by upload, or a folder on the server."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.app_pages.detector.own_runs import ask_for_detector, own_runs
from app.state.session import studio
from app.ui.allowed import allowed
from app.ui.errors import show_error
from app.ui.import_folder import importable_detectors, locate
from app.ui.uploads import as_file
from grice_core.detector.record import RECORD_NAME
from grice_core.errors import GriceError
from grice_core.registry import Keeper
from grice_core.settings import settings
from grice_core.store.states import RunKind
from worker.client import ImportRequest

ENCODER = "microsoft/deberta-v3-base"
IMPORTED = "imported detector"
"""In the session, for the next run of the page: the id of a detector that has just been brought in."""


def detector_import() -> None:
    """Both ways, each a form; below, how far imports are."""
    with st.form("import_checkpoint"):
        st.markdown("**A Detector V2 checkpoint**")
        weights = st.file_uploader("Checkpoint (.pt); no code in it is run", **allowed())
        temperatures = st.file_uploader(
            "Temperatures: a JSON object, one number per maxim", **allowed()
        )
        encoder = st.text_input("Its encoder: hub id, or folder on the server", value=ENCODER)
        if st.form_submit_button("Import", type="primary", **allowed()):
            if weights is None or temperatures is None:
                st.warning("Give both files: the checkpoint and its temperatures.")
            else:
                _import_uploaded(weights, temperatures, encoder.strip())
    import_dir = settings().import_dir
    if import_dir is not None:
        _offer_folders(import_dir)
    own_runs(RunKind.IMPORT_DETECTOR)


def _offer_folders(import_dir: Path) -> None:
    names = importable_detectors(import_dir)
    if not names:
        st.caption("The import folder holds no detector and no classifier.")
        return
    with st.form("import_folder"):
        st.markdown("**A folder on the server**: one of ours, or a classifier with four labels")
        name = st.selectbox("Folder", names)
        if st.form_submit_button("Import the folder", **allowed()):
            _import_from_server(import_dir, name)


def _import_uploaded(weights: UploadedFile, temperatures: UploadedFile, encoder: str) -> None:
    with as_file(weights) as weights_path, as_file(temperatures) as temperatures_path:
        ask_for_detector(ImportRequest(weights_path, weights_path.stem, encoder, temperatures_path))


def _import_from_server(import_dir: Path, name: str) -> None:
    """One of ours is kept as it is; a classifier is made one by a run, since that takes torch."""
    try:
        folder = locate(import_dir, name, is_folder=True)
        if not (folder / RECORD_NAME).exists():
            ask_for_detector(ImportRequest(folder, folder.name))
            return
        detector = Keeper(studio().database, studio().artifacts).keep_detector(folder)
    except GriceError as error:
        show_error(error)
        return
    show_detector(detector.id)


def show_detector(detector_id: int) -> None:
    """Show a detector that has just been brought in."""
    st.session_state[IMPORTED] = detector_id
    st.rerun()
