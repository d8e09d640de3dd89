"""Uploaded files, put on disk for as long as they are needed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.state.session import studio

_MAX_NAME_BYTES = 200
"""A name that is fine where it comes from may be too long for the disk here."""


@contextmanager
def as_file(uploaded: UploadedFile) -> Iterator[Path]:
    """An uploaded file in a folder of its own, called what the person called it: errors say that
    name, and its ending tells the format."""
    with tempfile.TemporaryDirectory(dir=studio().scratch) as folder:
        path = Path(folder) / file_name(uploaded.name)
        path.write_bytes(uploaded.getbuffer())
        yield path


def file_name(name: str) -> str:
    """What a browser calls a file, as a name that can be had here: without folders, its end if it
    is too long."""
    last = PurePosixPath(name.replace("\\", "/").replace("\0", "")).name
    kept = last.encode()[-_MAX_NAME_BYTES:].decode(errors="ignore")
    return "upload" if kept in {"", ".."} else kept
