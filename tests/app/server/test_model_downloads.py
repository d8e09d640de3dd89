"""An exported model as one file: sent bit by bit, to those who may see the studio."""

import asyncio
import io
import os
import zipfile
from pathlib import Path

import pytest
from starlette.applications import Starlette

from app.server.model_downloads import address_of, download_routes, zipped
from app.state.studio import Studio
from grice_core.errors import ArtifactError
from grice_core.settings import Settings
from grice_core.store import references
from grice_core.store.artifacts import FolderEntry
from grice_core.store.model_exports import EXPORTED
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft, submit_run
from tests.store.samples import claim_of
from worker.client import RunQueue

SPEC = {"pipeline_id": 1, "stage": "stage2", "form": "merged", "dtype": "bf16"}


@pytest.fixture
def queue(tmp_path: Path) -> RunQueue:
    studio = Studio.open(Settings(home=tmp_path))
    return RunQueue(studio.database, studio.artifacts)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder whose one file is larger than what is read at once."""
    (tmp_path / "model" / "sub").mkdir(parents=True)
    (tmp_path / "model" / "weights").write_bytes(os.urandom((2 << 20) + 5))
    (tmp_path / "model" / "sub" / "card").write_text("# a model\n")
    return tmp_path / "model"


def exported(queue: RunQueue, folder: Path) -> int:
    run_id = submit_run(queue.database, RunDraft("m", RunKind.EXPORT_MODEL, SPEC, stage="stage2"))
    claim = claim_of(queue.database, run_id)
    references.attach(queue.database, claim, EXPORTED, queue.artifacts.put_folder(folder))
    return run_id


def asked(
    queue: RunQueue, path: str, *, may_read: bool = True
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of what a browser gets."""
    sent = []
    body = bytearray()

    async def send(message):  # type: ignore[no-untyped-def]
        if message["type"] == "http.response.start":
            sent.append((message["status"], dict(message["headers"])))
        body.extend(message.get("body", b""))

    async def receive():  # type: ignore[no-untyped-def]
        await asyncio.sleep(60)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    app = Starlette(routes=download_routes(queue, lambda _: may_read))
    asyncio.run(app(scope, receive, send))
    ((status, headers),) = sent
    return status, headers, bytes(body)


def test_a_model_arrives_whole_under_its_name(queue: RunQueue, model: Path) -> None:
    status, headers, body = asked(queue, address_of(exported(queue, model)))
    assert status == 200
    assert headers[b"content-disposition"] == b'attachment; filename="stage2-merged-bf16.zip"'
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert archive.read("stage2-merged-bf16/weights") == (model / "weights").read_bytes()
        assert archive.read("stage2-merged-bf16/sub/card") == b"# a model\n"


def test_it_is_sent_as_it_is_read(queue: RunQueue, model: Path) -> None:
    entries = queue.artifacts.folder(queue.artifacts.put_folder(model).sha256)
    parts = [len(part) for part in zipped(queue.artifacts, "model", entries)]
    assert max(parts) < (1 << 20) + 1000 < sum(parts)


def test_who_may_not_see_the_studio_gets_nothing(queue: RunQueue, model: Path) -> None:
    status, _, body = asked(queue, address_of(exported(queue, model)), may_read=False)
    assert (status, body) == (403, b"Sign in to the studio first.")


def test_what_is_no_export_is_not_found(queue: RunQueue) -> None:
    other = submit_run(queue.database, RunDraft("t", RunKind.TRAIN, {}))
    assert asked(queue, address_of(other))[0] == asked(queue, address_of(99))[0] == 404


def test_a_file_that_is_gone_breaks_the_download_off(queue: RunQueue) -> None:
    gone = FolderEntry("weights", "0" * 64, 3)
    with pytest.raises(ArtifactError, match="has no file"):
        list(zipped(queue.artifacts, "model", [gone]))
