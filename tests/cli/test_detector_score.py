"""`grice detector import` and `grice score` as a user meets them."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from grice_core.cli import app
from grice_core.errors import DataError, DetectorError, GriceError, OutputError
from grice_core.settings import Settings
from tests.detector import lessons, tiny
from tests.detector.judge_server import judge_server

PAIRS = [
    {"prompt": "where do cats sleep ?", "chosen": "on the mat", "rejected": "yes", "id": 5},
    {"prompt": "no ?", "chosen": "no", "rejected": "the old blue mat is warm", "id": 6},
]


def grice(*arguments: str | Path) -> str:
    """Run the command; what it prints on stdout. Its `GriceError` is raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, GriceError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(PAIRS))
    return path


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    return tiny.write_heads(tmp_path / "detector")


def test_a_checkpoint_is_imported_and_shown(tmp_path: Path) -> None:
    torch.save(tiny.heads().state_dict(), tmp_path / "best.pt")
    temperatures = tmp_path / "temperatures.json"
    temperatures.write_text('{"quantity": 0.5, "quality": 1, "relation": 1.25, "manner": 2}')
    shown = grice(
        *("detector", "import", tmp_path / "best.pt"),
        *("--encoder", tiny.write_encoder(tmp_path / "encoder")),
        *("--temperatures", temperatures, "--out", tmp_path / "out"),
    )
    assert "1.250" in shown
    assert (tmp_path / "out" / "detector.json").is_file()


def test_a_checkpoint_needs_its_encoder_and_temperatures(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="give its encoder with --encoder"):
        grice("detector", "import", tmp_path / "best.pt", "--out", tmp_path / "out")


@pytest.mark.parametrize("name", ["scored.json", "scored.jsonl"])
def test_pairs_are_scored_and_keep_their_other_fields(
    pairs: Path, detector: Path, tmp_path: Path, name: str
) -> None:
    shown = grice("score", pairs, "--detector", detector, "--out", tmp_path / name)
    assert "2 of 2 pairs scored" in shown
    text = (tmp_path / name).read_text()
    rows = json.loads(text) if name == "scored.json" else [json.loads(x) for x in text.splitlines()]
    assert [row["id"] for row in rows] == [5, 6]
    assert all(0 < score < 1 for row in rows for score in row["chosen_scores"].values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detector", "pairs.json", name]


def test_scored_pairs_are_not_scored_twice(pairs: Path, detector: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.json", tmp_path / "twice.json"
    grice("score", pairs, "--detector", detector, "--out", once)
    assert "0 of 2 pairs scored" in grice("score", once, "--detector", detector, "--out", twice)
    assert json.loads(once.read_text()) == json.loads(twice.read_text())


def test_an_output_in_the_way_is_refused(pairs: Path, detector: Path) -> None:
    with pytest.raises(OutputError, match="exists; name another file, or add --overwrite"):
        grice("score", pairs, "--detector", detector, "--out", pairs)


def test_an_output_of_another_kind_is_refused(pairs: Path, detector: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"ends in \.json or \.jsonl"):
        grice("score", pairs, "--detector", detector, "--out", tmp_path / "scored.xlsx")


def test_a_file_without_usable_rows_is_refused(pairs: Path, detector: Path, tmp_path: Path) -> None:
    pairs.write_text('[{"prompt": "a", "chosen": "b", "rejected": ""}]')
    with pytest.raises(DataError, match=r"no row that can be used|lacks|no text"):
        grice("score", pairs, "--detector", detector, "--out", tmp_path / "scored.json")


def test_a_language_model_scores_pairs_after_saying_what_that_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Settings(home=tmp_path / "home")
    monkeypatch.setattr("grice_core.detector.llm.detector.settings", lambda: home)
    pairs, judge = lessons.write_pairs(tmp_path / "pairs.json", 4), tmp_path / "judge"
    rubric = tmp_path / "rubric.yaml"
    rubric.write_text(grice("detector", "rubric"))
    with judge_server() as server:
        connect = ("detector", "connect", server.address, "--model", "small", "--rubric", rubric)
        said = output(*connect, "--out", judge, "--price-in", "1")
        assert "no text leaves it" in said
        asked = ("score", pairs, "--detector", judge, "--all")
        said = output(*asked, "--out", tmp_path / "scored.json")
        assert "32 questions, about" in said
        assert "time not known yet" in said
        assert "4 of 4 pairs scored" in said
        assert len(server.asked) == 32
        assert "nothing is asked" in output(*asked, "--out", tmp_path / "again.json")
        assert len(server.asked) == 32
    rows = json.loads((tmp_path / "scored.json").read_text())
    assert [max(row["rejected_scores"], key=row["rejected_scores"].get) for row in rows] == [
        *("quantity", "quality", "relation", "manner")
    ]


def output(*arguments: str | Path) -> str:
    """What the command prints on both streams."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())
