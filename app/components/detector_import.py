"""Bringing a detector in: a checkpoint by upload, or a folder on the server."""

import tempfile
from pathlib import Path, PurePosixPath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.detector_command import Checkpoint, import_checkpoint, import_folder
from app.failures import show_error
from app.import_folder import locate
from app.navigation import go_to
from app.session import studio
from grice_core.errors import GriceError
from grice_core.settings import settings

ENCODER = "microsoft/deberta-v3-base"


def detector_import() -> None:
    """Both ways, each a form."""
    with st.form("import_checkpoint"):
        st.markdown("**A Detector V2 checkpoint**")
        weights = st.file_uploader("Checkpoint (.pt); nothing in it is run")
        temperatures = st.file_uploader("Temperatures: a JSON object, one number per maxim")
        encoder = st.text_input("Its encoder: hub id, or folder on the server", value=ENCODER)
        if st.form_submit_button("Import", type="primary"):
            if weights is None or temperatures is None:
                st.warning("Give both files: the checkpoint and its temperatures.")
            else:
                _import_uploaded(weights, temperatures, encoder)
    if settings().import_dir is not None:
        with st.form("import_folder"):
            st.markdown("**A folder on the server**")
            name = st.text_input("Folder below GRICE\\_IMPORT\\_DIR: one of ours, or a classifier")
            if st.form_submit_button("Import"):
                _import_from_server(name)


def _import_uploaded(weights: UploadedFile, temperatures: UploadedFile, encoder: str) -> None:
    name = PurePosixPath(weights.name.replace("\\", "/")).name
    with tempfile.TemporaryDirectory(dir=studio().scratch) as folder:
        checkpoint = Checkpoint(Path(folder) / name, encoder, Path(folder) / "temperatures.json")
        checkpoint.weights.write_bytes(weights.getbuffer())
        checkpoint.temperatures.write_bytes(temperatures.getbuffer())
        try:
            with st.spinner("Importing the checkpoint …"):
                detector = import_checkpoint(studio(), checkpoint, Path(name).stem)
        except GriceError as error:
            show_error(error)
            return
    _show_imported(detector.id)


def _import_from_server(name: str) -> None:
    try:
        folder = locate(settings().import_dir or Path(), name, is_folder=True)
        with st.spinner("Importing the folder …"):
            detector = import_folder(studio(), folder)
    except GriceError as error:
        show_error(error)
        return
    _show_imported(detector.id)


def _show_imported(detector_id: int) -> None:
    go_to("detector", detector=str(detector_id), detector_view="Card")
