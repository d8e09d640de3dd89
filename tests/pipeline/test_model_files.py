"""What can be seen of a model without loading it; what can't be seen is not called fine."""

from pathlib import Path

import pytest
from huggingface_hub import constants

from grice_core.pipeline.model_files import model_files


def test_a_folder_with_configuration_and_weights_is_found(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert model_files(str(tmp_path), "Base model").sentence.endswith("it has no weights")
    (tmp_path / "model.safetensors").write_bytes(b"")
    found = model_files(str(tmp_path), "Base model")
    assert (found.state, found.sentence) == ("found", f"Base model in {tmp_path}")


def test_an_empty_folder_or_none_is_missing(tmp_path: Path) -> None:
    assert "config.json is missing" in model_files(str(tmp_path), "Base model").sentence
    nowhere = model_files("./nowhere", "Detector")
    assert nowhere.sentence.startswith("there is no detector in ./nowhere")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache of this machine, empty."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_a_hub_id_is_found_only_where_its_files_are(cache: Path) -> None:
    away = model_files("org/name", "Base model")
    assert away.state == "not tried"
    snapshot = cache / "models--org--name" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (cache / "models--org--name" / "refs").mkdir()
    (cache / "models--org--name" / "refs" / "main").write_text("abc")
    (snapshot / "config.json").write_text("{}")
    assert model_files("org/name", "Base model").state == "not tried"
    (snapshot / "model.safetensors.index.json").write_text("{}")
    assert model_files("org/name", "Base model").state == "found"


@pytest.mark.usefixtures("cache")
def test_offline_the_hub_is_no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in model_files("org/name", "Base model").sentence


@pytest.mark.usefixtures("cache")
def test_what_no_hub_id_can_be_is_missing() -> None:
    assert model_files("my model!", "Base model").state == "missing"
