"""Data sets of the Hugging Face hub: a server of our own speaks as much of its protocol as its client asks for."""

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants

from grice_core.data.load import load_pairs
from grice_core.data.source import Limits
from grice_core.errors import DataError
from tests.data.files import json_lines_file, pair

COMMIT = "0" * 40
NAMES = ("README.md", "data/a.jsonl", "data/b.jsonl")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, and no hub that answers."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    hub_at("http://127.0.0.1:9", monkeypatch)
    return tmp_path / "cache"


def hub_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `HF_ENDPOINT` does, which is read when the client is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    files = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    """It has one data set, `someone/pairs`, with two files of a pair each."""
    (tmp_path / "data").mkdir()
    contents = {"README.md": b"# Pairs\n"}
    for number, name in enumerate(NAMES[1:], start=1):
        contents[name] = json_lines_file(tmp_path, pair(number), name=name).read_bytes()

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            name = path.removeprefix(f"/datasets/someone/pairs/resolve/{COMMIT}/")
            if path.startswith("/api/datasets/someone/pairs/tree/"):
                self._answer(200, json.dumps(tree(contents)).encode())
            elif path.startswith("/api/datasets/someone/pairs"):
                self._answer(200, json.dumps(info(contents)).encode())
            elif name in contents:
                self._answer(200, contents[name])
            else:
                self._answer(404, b"{}", **{"X-Error-Code": "RepoNotFound"})

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def _answer(self, code: int, body: bytes, **headers: str) -> None:
            self.send_response(code)
            etag = hashlib.sha256(body).hexdigest()
            usual = {"Content-Length": str(len(body)), "ETag": etag, "X-Repo-Commit": COMMIT}
            for header, value in (usual | headers).items():
                self.send_header(header, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    hub_at(f"http://127.0.0.1:{server.server_port}", monkeypatch)
    yield server
    server.shutdown()
    server.server_close()


def info(contents: dict[str, bytes]) -> dict[str, object]:
    files = [{"rfilename": name, "size": len(one)} for name, one in contents.items()]
    return {"id": "someone/pairs", "sha": COMMIT, "siblings": files}


def tree(contents: dict[str, bytes]) -> list[dict[str, object]]:
    return [
        {"type": "file", "path": name, "size": len(one), "oid": hashlib.sha1(one).hexdigest()}  # noqa: S324 - git's
        for name, one in contents.items()
    ]


def prompts(address: str) -> list[str]:
    return load_pairs(address).table.prompts


def refusal(address: str, limits: Limits | None = None) -> str:
    with pytest.raises(DataError) as error:
        load_pairs(address, limits=limits or Limits())
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.usefixtures("hub")
def test_its_data_files_are_fetched_and_serve_again_when_the_hub_is_away(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prompts("hf://datasets/someone/pairs") == ["prompt 1", "prompt 2"]
    assert not list(cache.rglob("README.md"))

    hub_at("http://127.0.0.1:9", monkeypatch)
    assert prompts("hf://datasets/someone/pairs") == ["prompt 1", "prompt 2"]
    assert prompts("hf://datasets/someone/pairs@main/data/b.jsonl") == ["prompt 2"]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert prompts("hf://datasets/someone/pairs/data/a.*") == ["prompt 1"]


@pytest.mark.parametrize("is_said", [True, False], ids=["HF_HUB_OFFLINE", "no answer"])
def test_what_was_never_fetched_needs_a_network(
    is_said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", is_said)
    assert refusal("hf://datasets/someone/pairs") == (
        "hf://datasets/someone/pairs can't be fetched: the hub can't be reached, and there is no complete copy of it "
        "in the cache; download it where there is a network, and give the folder"
    )


@pytest.mark.usefixtures("hub")
def test_one_that_the_hub_does_not_have() -> None:
    message = refusal("hf://datasets/someone/other")
    assert message.startswith("hf://datasets/someone/other can't be fetched: ")
    assert "404" in message


@pytest.mark.usefixtures("hub")
def test_one_that_is_too_large_is_refused_before_it_is_fetched(cache: Path) -> None:
    assert "holds more than 100 bytes" in refusal("hf://datasets/someone/pairs", Limits(100))
    assert not list(cache.rglob("*.jsonl"))


def test_an_address_of_something_else() -> None:
    assert "write hf://datasets/OWNER/NAME" in refusal("hf://someone")
