"""Pushing an export to the model hub: private unless asked otherwise, in one commit, and read back.

A push that was cut off is repeated: huggingface_hub sends only what has not arrived yet, and before the commit
the repository holds nothing.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from huggingface_hub import HfApi, RepoFile
from huggingface_hub.errors import RepositoryNotFoundError

from grice_core.dpo.hub import first_line
from grice_core.errors import InputError, OutputError
from grice_core.export.companions import FOLDER
from grice_core.export.job import MANIFEST
from grice_core.files import file_sha256

PREFIX = "hub:"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,90}")
_THEIRS = {".gitattributes"}
"""What the hub puts into a new repository."""


@dataclass(frozen=True)
class HubTarget:
    """A repository to be written to."""

    name: str
    """OWNER/NAME."""
    is_public: bool = False

    @classmethod
    def parse(cls, text: str, *, is_public: bool = False) -> "HubTarget":
        """`hub:OWNER/NAME`. Raises: InputError."""
        name = text.removeprefix(PREFIX)
        if not _NAME.fullmatch(name):
            raise InputError(f"{text} is no repository of the hub: write hub:owner/name")
        return cls(name, is_public)

    @property
    def visibility(self) -> str:
        """For the user."""
        return "public" if self.is_public else "private"

    def parts(self, folder: Path) -> tuple["HubPart", ...]:
        """What is pushed of an export: its model, and what goes along as a data set of its own."""
        model = HubPart(self, self.name, "model", folder, _files_of(folder, without=FOLDER))
        companions = folder / FOLDER
        if not companions.is_dir():
            return (model,)
        return model, HubPart(
            self, f"{self.name}-data", "dataset", companions, _files_of(companions)
        )


@dataclass(frozen=True)
class HubPart:
    """One repository's part of an export."""

    target: HubTarget
    repo: str
    kind: Literal["model", "dataset"]
    folder: Path
    files: tuple[str, ...]

    @property
    def num_bytes(self) -> int:
        return sum((self.folder / file).stat().st_size for file in self.files)


def push(part: HubPart, is_again: Any = None, api: HfApi | None = None) -> str:
    """Create the repository if it is not there, commit all files at once, and compare what arrived.

    Args:
        is_again: Manifest of the export, by which an earlier push of the same one is known.

    Returns: the commit's address.

    Raises: OutputError, if the repository holds something else; InputError, if the hub can't be reached or
    refuses, or if what arrived differs.
    """
    api = api or HfApi()
    with _hub_errors(part.repo):
        _check_is_ours(api, part, is_again)
        api.create_repo(
            part.repo, private=not part.target.is_public, repo_type=part.kind, exist_ok=True
        )
        _check_visibility(api, part)
        commit = api.upload_folder(
            repo_id=part.repo,
            repo_type=part.kind,
            folder_path=part.folder,
            allow_patterns=list(part.files),
            commit_message="Grice Studio: export",
        )
        arrived = _tree(api, part, commit.oid)
    differ = [file for file in part.files if not _is_same(part.folder / file, arrived.get(file))]
    if differ:
        raise InputError(
            f"{part.repo} holds another {differ[0]} than was sent: push again, which sends what is missing"
        )
    return str(commit.commit_url)


def _check_is_ours(api: HfApi, part: HubPart, manifest: Any) -> None:
    """Raises: OutputError, unless it is new, empty, or holds an earlier push of the same export."""
    try:
        info: Any = api.repo_info(part.repo, repo_type=part.kind)
    except RepositoryNotFoundError:
        return
    held = {sibling.rfilename for sibling in info.siblings or ()} - _THEIRS
    if not held:
        return
    if not held <= set(part.files) or not _is_same_export(api, part, manifest, held):
        raise OutputError(f"{part.repo} holds something else already: choose another name")


def _check_visibility(api: HfApi, part: HubPart) -> None:
    """Nothing that is to stay private is sent to where others read. Raises: OutputError."""
    info: Any = api.repo_info(part.repo, repo_type=part.kind)
    if not info.private and not part.target.is_public:
        raise OutputError(f"{part.repo} is public: add --public, or choose another name")


def _is_same_export(api: HfApi, part: HubPart, manifest: Any, held: set[str]) -> bool:
    if part.kind == "dataset":  # which has no manifest: what is there must be what would be sent
        arrived = _tree(api, part, "main")
        return all(_is_same(part.folder / file, arrived.get(file)) for file in held)
    if MANIFEST not in held:
        return False
    with TemporaryDirectory() as scratch:
        path = Path(api.hf_hub_download(part.repo, MANIFEST, local_dir=scratch))
        theirs = json.loads(path.read_text(encoding="utf-8"))
    return bool(theirs.get("published") == manifest["published"])


def _tree(api: HfApi, part: HubPart, revision: str) -> dict[str, RepoFile]:
    tree = api.list_repo_tree(part.repo, recursive=True, revision=revision, repo_type=part.kind)
    return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}


def _is_same(path: Path, arrived: RepoFile | None) -> bool:
    """By SHA-256 of large files, which the hub keeps apart; by git's SHA-1 of the others."""
    if arrived is None or arrived.size != path.stat().st_size:
        return False
    if arrived.lfs is not None:
        return bool(arrived.lfs.sha256 == file_sha256(path))
    content = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return bool(arrived.blob_id == blob.hexdigest())


def _files_of(folder: Path, without: str = "") -> tuple[str, ...]:
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(path.as_posix() for path in paths if path.parts[0] != without)


@contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    """One sentence for what huggingface_hub and its HTTP client raise."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # the client's, the HTTP library's, the operating system's
        raise InputError(
            f"can't push to {repo} ({first_line(error)}): check the network and HF_HUB_OFFLINE, log in with "
            "`hf auth login` or set HF_TOKEN to a token that may write; pushing again sends what is missing"
        ) from error
