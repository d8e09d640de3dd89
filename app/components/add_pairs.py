"""Bringing pairs in: uploaded by the browser, or imported from a folder on the server."""

import tempfile
from pathlib import Path, PurePosixPath

import streamlit as st

from app.failures import show_error
from app.import_folder import importable, locate
from app.session import known_data_sets, select_data_set, studio
from app.wording import plain_markdown
from grice_core.errors import DataError
from grice_core.pipeline.keeping import Keeper
from grice_core.settings import settings

FORMATS = "JSON, JSON Lines, CSV or Parquet, also compressed (.gz, .zst)"


def add_pairs() -> None:
    """Two ways in, and what they take."""
    limit = st.get_option("server.maxUploadSize")
    st.caption(
        f"{FORMATS}; fields prompt, chosen, rejected, and the eight scores if there are any. "
        f"Up to {limit:,} MB; larger files are imported from a folder on the server "
        "(GRICE\\_IMPORT\\_DIR)."
    )
    uploaded = st.file_uploader("Upload pairs", key=_uploader_key())
    if uploaded is not None:
        with tempfile.TemporaryDirectory(dir=studio().scratch) as folder:
            # Called what the person called it, since the ending tells the format.
            path = Path(folder) / (PurePosixPath(uploaded.name.replace("\\", "/")).name or "pairs")
            path.write_bytes(uploaded.getbuffer())
            _take_in(path, path.name)
    import_dir = settings().import_dir
    if import_dir is not None:
        _import_from(import_dir)


def _import_from(folder: Path) -> None:
    names = importable(folder)
    if not names:
        st.caption("The import folder is empty.")
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.selectbox("Import from the server", names, index=None, key="import_name")
    if right.button("Import", disabled=name is None, width="stretch") and name:
        _take_in(locate(folder, name), PurePosixPath(name).name)


def _take_in(path: Path, name: str) -> None:
    """Store a file's pairs, then show them; what is wrong with it is said in place."""
    bar = st.progress(0.0, text="Reading …")

    def progress(task: str, done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), text=plain_markdown(task))

    known = {data_set.id for data_set in known_data_sets()}
    try:
        stored = Keeper(studio().database, studio().artifacts).keep_pairs(path, name, progress)
    except DataError as error:
        bar.empty()
        show_error(error)
        st.caption("Nothing was stored.")
        return
    if stored.id in known:
        message = f"You have this already, as “{plain_markdown(stored.name)}”."
    else:
        message = f"Stored {stored.num_usable:,} of {stored.num_rows:,} rows."
    st.session_state["added"] = message
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    select_data_set(stored.id)
    st.rerun()


def _uploader_key() -> str:
    """A new one after each upload, so that the field is empty again."""
    return f"upload {st.session_state.get('uploads', 0)}"
