"""Where things are kept when no one says otherwise."""

from pathlib import Path

import pytest

from grice_core.settings import Settings


def test_everything_is_under_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRICE_HOME", str(tmp_path))
    settings = Settings()
    assert settings.database_url == f"sqlite:///{tmp_path}/grice.db"
    assert settings.artifacts_url == f"file://{tmp_path}/artifacts"


def test_a_relative_home_means_the_same_after_a_change_of_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRICE_HOME", "var")
    assert Settings().database_url == f"sqlite:///{tmp_path}/var/grice.db"


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRICE_DATABASE_URL", "postgresql://me:secret@host/name")
    assert "secret" not in repr(Settings())
