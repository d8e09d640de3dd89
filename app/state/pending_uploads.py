"""Uploads that wait for a decision: on disk, so that neither a restart nor another page loses them."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.state.reading import read_apart
from app.state.session import studio
from grice_core.data.fields import UnknownFieldsError
from grice_core.data.layouts.opening import (
    BY_LOOKS,
    PromptsAloneError,
    Reading,
    UnclearLayoutError,
)
from grice_core.data.load import LoadedPairs
from grice_core.data.places import find
from grice_core.errors import DataError
from grice_core.store.actions import require
from grice_core.store.actors import Role

_FOLDER = "pending"
_ID_DIGITS = 16


@dataclass(frozen=True)
class PendingUpload:
    """A file of which some rows can't be used, or whose layout a user has to say."""

    id: str
    """Of its content."""
    path: Path

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.path.name


def keep_pending(path: Path) -> PendingUpload:
    """Keep a copy of a file or folder until it is decided what becomes of it; the same content is kept once."""
    require(studio().database, Role.MEMBER)
    id_ = find(path).sha256()[:_ID_DIGITS]
    folder = _root() / id_
    if not folder.exists():
        written = _root() / f".{id_}"
        shutil.rmtree(written, ignore_errors=True)
        written.mkdir(parents=True)
        if path.is_dir():
            shutil.copytree(path, written / path.name)
        else:
            shutil.copyfile(path, written / path.name)
        written.rename(folder)
    return next(each for each in pending_uploads() if each.id == id_)


def pending_uploads() -> list[PendingUpload]:
    """What waits, the newest first."""
    folders = [each for each in _root().glob(f"{'[0-9a-f]' * _ID_DIGITS}") if each.is_dir()]
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [PendingUpload(folder.name, path) for folder in folders for path in folder.iterdir()]


def read_pending(pending: PendingUpload, reading: Reading = BY_LOOKS) -> LoadedPairs:
    """What it holds; read once in each way.

    Raises:
        DataError: nothing of it can be used.
    """
    found = _read(str(pending.path), json.dumps(reading.document()))
    if isinstance(found, DataError):
        raise found.with_traceback(None)
    return found


@st.cache_resource(max_entries=4, show_spinner="Reading the upload …")
def _read(path: str, reading: str) -> LoadedPairs | DataError:
    """What it holds, or what a user has to say first: the page asks for that at every click."""
    try:
        return read_apart(Path(path), reading=Reading.of(json.loads(reading)))
    except (UnclearLayoutError, UnknownFieldsError, PromptsAloneError) as question:
        return question


def discard_pending(pending: PendingUpload) -> None:
    """Forget it; what is gone already is fine."""
    require(studio().database, Role.MEMBER)
    shutil.rmtree(pending.path.parent, ignore_errors=True)


def discard_by_name(name: str) -> None:
    """Forget the earlier tries of a file that is stored by now."""
    for pending in pending_uploads():
        if pending.name == name:
            discard_pending(pending)


def _root() -> Path:
    return studio().home / _FOLDER
