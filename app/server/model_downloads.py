"""`/exported/RUN.zip`: an exported model as one file, sent as it is read, however large it is.

Streamlit's own downloads are held in the dashboard's memory as a whole.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import RawIOBase
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from grice_core.errors import GriceError
from grice_core.store import references, runs
from grice_core.store.artifacts import ArtifactStore, FolderEntry
from grice_core.store.model_exports import EXPORTED
from worker.client import RunQueue

_PLACE = "/exported"
_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)


def address_of(run_id: int) -> str:
    """Where a run's export is downloaded, below the dashboard's address."""
    return f"{_PLACE}/{run_id}.zip"


def download_routes(queue: RunQueue, may_read: Callable[[Request], bool]) -> list[Route]:
    """What a browser asks for an exported model.

    Args:
        may_read: whether the sender of a request may see the studio.
    """

    def download(request: Request) -> StreamingResponse:
        if not may_read(request):
            raise HTTPException(403, "Sign in to the studio first.")
        name, entries = _folder(queue, request.path_params["run_id"])
        headers = {"content-disposition": f'attachment; filename="{name}.zip"'}
        sent = zipped(queue.artifacts, name, entries)
        return StreamingResponse(sent, media_type="application/zip", headers=headers)

    return [Route(f"{_PLACE}/{{run_id:int}}.zip", download)]


def _folder(queue: RunQueue, run_id: int) -> tuple[str, Sequence[FolderEntry]]:
    """Its name, and its files."""
    try:
        made = references.of_run(queue.database, run_id).get(EXPORTED)
        if made is None:
            raise HTTPException(404, "There is no such export.")
        spec = runs.get(queue.database, run_id).spec
        name = "-".join(f"{spec[field]}" for field in ("stage", "form", "dtype"))
        return name, queue.artifacts.folder(made.sha256)
    except (GriceError, LookupError) as error:
        raise HTTPException(404, str(error)) from error


def zipped(artifacts: ArtifactStore, name: str, entries: Sequence[FolderEntry]) -> Iterator[bytes]:
    """A zip file of a stored folder, bit by bit; its files lie in a folder of this name, as they are.

    Weights hardly shrink, so nothing is compressed.

    Raises:
        ArtifactError: a file is missing or damaged; what was sent by then is no whole zip file.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            about = zipfile.ZipInfo(f"{name}/{entry.path}", _EPOCH_OF_ZIP)
            about.external_attr = 0o644 << 16
            with archive.open(about, "w", force_zip64=True) as file:
                for chunk in artifacts.chunks(entry.sha256):
                    file.write(chunk)
                    yield sink.taken()
    yield sink.taken()


class _Sink(RawIOBase):
    """Keeps what is written until it is taken; it can't be searched, so zip files are written from front to back."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since this was called last."""
        taken = bytes(self._written)
        self._written.clear()
        return taken
