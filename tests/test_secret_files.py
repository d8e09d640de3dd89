"""Settings that stand in files."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from grice_core.errors import InputError
from grice_core.secret_files import with_password
from grice_core.settings import Settings
from worker.settings import WorkerSettings


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("p@ss/w:rd\n")
    return path


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://grice@db/grice", "postgresql://grice:p%40ss@db/grice"),
        ("postgresql://grice:@db/grice?a=b", "postgresql://grice:p%40ss@db/grice?a=b"),
        ("redis://valkey:6379/0", "redis://:p%40ss@valkey:6379/0"),
        ("redis://:other@valkey:6379/0", "redis://:other@valkey:6379/0"),
        ("sqlite:////var/lib/grice.db", "sqlite:////var/lib/grice.db"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock"),
    ],
)
def test_an_address_gets_its_password(url: str, expected: str) -> None:
    assert with_password(url, SecretStr("p@ss")) == expected
    assert with_password(url, None) == url


def test_passwords_and_lists_are_read_from_files(
    secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRICE_DATABASE_URL", "postgresql://grice@db/grice")
    monkeypatch.setenv("GRICE_DATABASE_PASSWORD_FILE", str(secret))
    monkeypatch.setenv("REDIS_URL", "redis://valkey:6379/0")
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(secret))
    (tmp_path / "addresses").write_text('["json://127.0.0.1/hook"]')
    monkeypatch.setenv("GRICE_NOTIFY_FILE", str(tmp_path / "addresses"))
    assert Settings().database_url == "postgresql://grice:p%40ss%2Fw%3Ard@db/grice"
    of_worker = WorkerSettings()
    assert of_worker.redis_url == "redis://:p%40ss%2Fw%3Ard@valkey:6379/0"
    assert [one.get_secret_value() for one in of_worker.notify] == ["json://127.0.0.1/hook"]
    assert "ss%2Fw" not in f"{Settings()!r}{of_worker!r}"


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRICE_JUDGE_API_KEY_FILE", "/nowhere")
    with pytest.raises(InputError, match="GRICE_JUDGE_API_KEY_FILE is /nowhere, which can't be"):
        Settings()


def test_a_variable_and_its_file_can_not_both_be_set(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRICE_DATABASE_PASSWORD", "a")
    monkeypatch.setenv("GRICE_DATABASE_PASSWORD_FILE", str(secret))
    with pytest.raises(InputError, match="are both set: unset one of them"):
        Settings()
