"""A model hub of a few files on this machine: as much of its protocol as a push of small files takes.

Every file is sent within the commit, as the hub asks for small ones; what it keeps apart (LFS, Xet) is not spoken.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_COMMIT = "0123456789abcdef0123456789abcdef01234567"

COMMIT_URL = f"https://huggingface.co/me/speaker/commit/{_COMMIT}"
"""The client takes addresses of the real hub only."""


@dataclass
class Repository:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Hub:
    """What the server holds, and how it answers."""

    address: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    refuses_commits: bool = False
    damages: str = ""
    """A file that arrives otherwise than it was sent."""
    commits: int = 0


@contextmanager
def hub() -> Iterator[Hub]:
    """A running hub."""
    state = Hub()

    class Handler(_Handler):
        hub = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[0] == "api":
            repo = self._repo(f"{parts[2]}/{parts[3]}")
            if repo is not None:
                self._json(_tree(repo) if "tree" in parts else self._info(repo))
        else:
            self._file(self.hub.repositories["/".join(parts[:2])], "/".join(parts[4:]))

    do_HEAD = do_GET  # noqa: N815  (the base class's name)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:3] == ["api", "repos", "create"]:
            self._create(json.loads(body))
        elif parts[1] == "validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif parts[4] == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._json({"files": files})
        else:
            self._commit(self.hub.repositories["/".join(parts[2:4])], body)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        known = name in self.hub.repositories
        self.hub.repositories.setdefault(
            name,
            Repository(asked["visibility"] == "private", {".gitattributes": b"*.bin filter=lfs\n"}),
        )
        self._json({"url": f"{self.hub.address}/{name}"}, 409 if known else 200)

    def _commit(self, repo: Repository, body: bytes) -> None:
        if self.hub.refuses_commits:
            self._json({"error": "cut off"}, 400)
            return
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                name = line["value"]["path"]
                repo.files[name] = content[::-1] if name == self.hub.damages else content
        self.hub.commits += 1
        self._json({"success": True, "commitOid": _COMMIT, "commitUrl": COMMIT_URL})

    def _repo(self, name: str) -> Repository | None:
        if name not in self.hub.repositories:
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return None
        return self.hub.repositories[name]

    def _info(self, repo: Repository) -> dict[str, Any]:
        siblings = [{"rfilename": name} for name in repo.files]
        return {"id": "me/speaker", "private": repo.private, "siblings": siblings, "sha": _COMMIT}

    def _file(self, repo: Repository, name: str) -> None:
        content = repo.files[name]
        headers = {"ETag": f'"{_blob(content)}"', "X-Repo-Commit": _COMMIT}
        self._send(content, 200, headers, "application/octet-stream")

    def _json(
        self, document: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self._send(json.dumps(document).encode(), status, headers or {}, "application/json")

    def _send(self, body: bytes, status: int, headers: dict[str, str], kind: str) -> None:
        self.send_response(status)
        for name, value in {
            **headers,
            "Content-Type": kind,
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def _tree(repo: Repository) -> list[dict[str, Any]]:
    return [
        {"type": "file", "path": name, "size": len(content), "oid": _blob(content)}
        for name, content in repo.files.items()
    ]


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
