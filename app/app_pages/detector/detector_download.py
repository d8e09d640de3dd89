"""A registered detector as a file to take along."""

import io
import shlex
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from app.state.command_words import detector_word
from app.state.session import studio
from grice_core.store.tables import Detector


def detector_download(detector: Detector) -> None:
    """A button, and how commands address it."""
    st.download_button(
        "Download",
        lambda: _archive(detector),
        f"{detector.name}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        help="Its folder, as the command's option --detector and Import take it.",
    )
    st.caption("Commands take it as")
    st.code(f"--detector {shlex.quote(detector_word(detector))}", language=None)


def _archive(detector: Detector) -> bytes:
    content = io.BytesIO()
    with (
        TemporaryDirectory(dir=studio().scratch) as scratch,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        folder = Path(scratch) / "detector"
        studio().artifacts.fetch_folder(detector.artifact_sha256, folder)
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(path, path.relative_to(folder))
    return content.getvalue()
