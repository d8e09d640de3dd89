"""Files and folders by content: in a local folder, in memory, in a (local) S3."""

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grice_core.errors import ArtifactError, StoreError
from grice_core.store.artifacts import GRACE_S, ArtifactStore, sha256_of

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HELLO_SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "file":
        return ArtifactStore(f"file://{tmp_path / 'store'}")
    if request.param == "memory":
        return ArtifactStore(f"memory://{secrets.token_hex(4)}")
    bucket: str = request.getfixturevalue("s3_bucket")
    return ArtifactStore(f"{bucket}/{secrets.token_hex(4)}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    (folder / "weights").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "weights" / "a.bin").write_bytes(os.urandom(3_000_000))
    (folder / "empty").touch()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_file_is_named_by_its_content(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    address = store.put_file(tmp_path / "a")
    assert (address.sha256, address.size_bytes, address.is_folder) == (HELLO_SHA256, 5, False)
    assert store.read(HELLO_SHA256) == b"hello"
    assert store.contains(HELLO_SHA256)
    assert not store.contains(EMPTY_SHA256)


def test_an_empty_file_is_a_file(store: ArtifactStore) -> None:
    assert store.put_bytes(b"").sha256 == EMPTY_SHA256
    assert store.read(EMPTY_SHA256) == b""


def test_the_same_content_is_stored_once(store: ArtifactStore) -> None:
    assert store.put_bytes(b"hello") == store.put_bytes(b"hello")
    assert len(list(store.stored())) == 1


def test_a_folder_comes_back_as_it_was(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    address = store.put_folder(folder)
    assert address.is_folder
    assert address.size_bytes == 3_000_002
    store.fetch_folder(address.sha256, tmp_path / "elsewhere" / "copy")
    assert contents(tmp_path / "elsewhere" / "copy") == contents(folder)


def test_folders_share_the_files_that_they_have_in_common(
    store: ArtifactStore, folder: Path
) -> None:
    store.put_folder(folder)
    (folder / "config.json").write_text("[]")
    store.put_folder(folder)
    assert len(list(store.stored())) == 3 + 1 + 2  # files, the changed one, two manifests


def test_a_missing_file_is_named(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactError, match=HELLO_SHA256):
        store.read(HELLO_SHA256)


def test_a_damaged_file_is_noticed_and_nothing_is_left(
    store: ArtifactStore, tmp_path: Path
) -> None:
    store.put_bytes(b"hello")
    store.objects.put_bytes(f"objects/{HELLO_SHA256[:2]}/{HELLO_SHA256}", b"help!")
    with pytest.raises(ArtifactError, match="is damaged"):
        store.fetch_file(HELLO_SHA256, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_can_not_be_fetched_whole_is_not_there(
    store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    address = store.put_folder(folder)
    victim = store.folder(address.sha256)[-1].sha256
    store.objects.delete(f"objects/{victim[:2]}/{victim}")
    (tmp_path / "target").mkdir()
    with pytest.raises(ArtifactError, match=victim):
        store.fetch_folder(address.sha256, tmp_path / "target" / "copy")
    assert list((tmp_path / "target").iterdir()) == []


def test_a_file_is_no_folder(store: ArtifactStore, tmp_path: Path) -> None:
    store.put_bytes(b"hello")
    with pytest.raises(ArtifactError, match="is no folder"):
        store.fetch_folder(HELLO_SHA256, tmp_path / "copy")


@pytest.mark.parametrize("path", ["../escape", "/etc/passwd", "a/../../b", "a\\\\..\\\\b", ""])
def test_a_manifest_that_points_outside_is_refused(
    artifacts: ArtifactStore, tmp_path: Path, path: str
) -> None:
    artifacts.put_bytes(b"hello")
    entry = f'{{"path": "{path}", "sha256": "{HELLO_SHA256}", "size_bytes": 5}}'
    manifest = artifacts.put_bytes(f'{{"files": [{entry}]}}'.encode())
    with pytest.raises(ArtifactError, match="names a file outside itself"):
        artifacts.fetch_folder(manifest.sha256, tmp_path / "copy")


def test_what_may_be_about_to_be_collected_is_written_again(
    artifacts: ArtifactStore, tmp_path: Path
) -> None:
    artifacts.put_bytes(b"hello")
    path = tmp_path / "artifacts" / "objects" / HELLO_SHA256[:2] / HELLO_SHA256
    long_ago = time.time() - GRACE_S
    os.utime(path, (long_ago, long_ago))
    artifacts.put_bytes(b"hello")
    assert path.stat().st_mtime > long_ago + GRACE_S / 2


def test_names_that_are_no_content_are_told_apart() -> None:
    assert sha256_of(f"objects/{HELLO_SHA256[:2]}/{HELLO_SHA256}") == HELLO_SHA256
    assert sha256_of(f"objects/{HELLO_SHA256[:2]}/.{HELLO_SHA256}.1f3a") is None
    assert sha256_of("logs/1/1.log") is None


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "logs/../../x", ""])
def test_a_name_outside_the_store_is_a_mistake(artifacts: ArtifactStore, name: str) -> None:
    with pytest.raises(ArtifactError, match="no name inside the artifact store"):
        artifacts.objects.put_bytes(name, b"")


def test_a_place_of_an_unknown_kind_is_named() -> None:
    with pytest.raises(StoreError, match="GRICE_ARTIFACTS_URL is 'nonsense://x'"):
        ArtifactStore("nonsense://x")


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/store can't be used for objects/2c/"):
        ArtifactStore(f"file://{tmp_path / 'file' / 'store'}").put_bytes(b"hello")


@pytest.mark.usefixtures("s3_bucket")
def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreError, match=r"s3://other can't be used"):
        ArtifactStore("s3://other").put_bytes(b"hello")


@pytest.fixture(scope="session")
def s3_bucket() -> Iterator[str]:
    """URL of an empty bucket in a local S3 server."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="grice")
        yield "s3://grice"
    server.stop()
