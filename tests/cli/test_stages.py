"""`grice stages` shows, prints and writes what each stage would learn from."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from grice_core.cli import app
from grice_core.data.export import write_json
from grice_core.data.load import load_pairs
from grice_core.errors import OutputError, RecipeError
from tests.data.tables import UNSCORED, table_of

CONTENT = (0.5, 0.0, -0.25, 0.0)
MANNER = (0.0, 0.0, 0.0, 0.5)
WEAK_SUM = (0.5, 0.0, -0.5, 0.0)
NEITHER = (0.0, 0.0, 0.0, 0.0)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """60 pairs for content, 10 for manner, 5 with too small a sum, 25 for nothing."""
    path = tmp_path / "pairs.json"
    write_json(path, table_of([CONTENT] * 60 + [MANNER] * 10 + [WEAK_SUM] * 5 + [NEITHER] * 25))
    return path


def stages(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["stages", *map(str, arguments)], catch_exceptions=True)


def test_json_has_the_promised_keys_and_nothing_else_on_stdout(pairs: Path) -> None:
    result = stages(pairs, "--json")

    document = json.loads(result.stdout)
    assert list(document) == ["num_pairs", "stages", "overlap", "reach"]
    assert [list(stage) for stage in document["stages"]] == [
        ["name", "kept", "retention", "dropped", "margins", "words"]
    ] * 2
    assert document["num_pairs"] == 100
    assert [stage["kept"] for stage in document["stages"]] == [60, 10]
    assert document["stages"][0]["dropped"] == {"no strong signal": 35, "sum too small": 5}
    relation = {"mean": -0.25, "std": 0.0, "negative": 60, "opposite": 60}
    assert document["stages"][0]["margins"]["relation"] == relation
    assert document["stages"][0]["words"] == {"chosen": 2.0, "rejected": 2.0}
    assert document["reach"]["chosen"]["cooperative"] == 0.35
    assert document["overlap"] == {"stage1&stage2": 0}


def test_a_person_sees_counts_signs_and_the_next_command(pairs: Path) -> None:
    result = stages(pairs, "--set", "holdout_share=0")

    lines = [" ".join(line.replace("█", "").split()) for line in result.stdout.splitlines()]
    assert "content-then-manner on pairs.json: 100 pairs" in lines
    assert "stage1 · content keeps 60 of 100 (60.0 %)" in lines
    assert "60 to train on, 0 held out, 30 optimizer steps" in lines
    assert "no strong signal 35" in lines
    assert "quantity +0.500 ± 0.000 0 ✓ mean > 0" in lines
    assert "relation −0.250 ± 0.000 60 ✗ mean ≤ 0; 60 negative" in lines
    assert "manner 0.000 ± 0.000 0 side effect" in lines
    assert "2.0 words chosen, 2.0 rejected" in lines
    assert "stage1 and stage2 share 0 pairs" in lines
    assert lines[-1].startswith(f"grice pipeline --data {pairs}")
    assert lines[-1].endswith("--set holdout_share=0")


def test_a_mean_that_rounds_to_zero_has_no_sign_that_contradicts_the_verdict(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pairs.json"
    write_json(path, table_of([(0.5, 0.0, 0.0, -0.25)] * 31 + [(0.375, -0.0625, 0.0, 0.2499)] * 31))
    lines = stages(path, "--set", "stage1.weights.manner=1").stdout.splitlines()
    manner = next(line for line in lines if line.strip().startswith("manner"))
    assert " ".join(manner.split()) == "manner 0.000 ± 0.250 31 ✗ mean ≤ 0; 31 negative"


def test_the_waterfall_goes_from_all_pairs_to_those_kept(pairs: Path) -> None:
    bars = [line for line in stages(pairs).stdout.splitlines() if "█" in line or "▏" in line]

    # 32 columns for 100 pairs: 35 dropped, then 5, then 60 kept; each begins where the last one ends
    starts = [line.index("█") - bars[0].index("█") for line in bars[:3]]
    assert starts == [0, 11, 13]
    assert [line.count("█") for line in bars[:3]] == [11, 2, 19]


def test_small_sets_are_cautioned_about_on_stderr(pairs: Path) -> None:
    result = stages(pairs, "--set", "holdout_share=0")

    assert "! stage2 has 10 training pairs: expect little from fewer than 50." in result.stderr
    assert "stage1 has" not in result.stderr


def test_thresholds_that_keep_enough_are_named_as_set_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    write_json(path, table_of([MANNER] * 10 + [(0.0, 0.0, 0.0, 0.15)] * 95))

    named = "stage2 would keep 105 with --set stage2.filter.manner.above=0.14"
    assert f"! {named}\n" in stages(path).stderr
    assert "! stage1: No single threshold reaches 100 pairs." in stages(path).stderr

    taken = stages(path, "--set", named.split()[-1], "--json")
    assert json.loads(taken.stdout)["stages"][1]["kept"] == 105


def test_what_a_cut_teaches_besides_is_said_on_stderr(pairs: Path) -> None:
    said = stages(pairs).stderr
    assert "! stage1 may teach the opposite on relation: 60 of 60 pairs below −0.10" in said
    assert "the data's own chosen responses are 35.0 % cooperative" in said


def test_unscored_and_unusable_rows_are_pointed_out(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    broken = '{"prompt": "p", "chosen": "", "rejected": "r"}\n'
    unscored = '{"prompt": "p", "chosen": "c", "rejected": "r"}\n'
    path.write_text(broken + unscored * 2)

    result = stages(path)

    assert f"1 rows can't be used and are not counted; see grice check {path}" in result.stderr
    assert "2 pairs are unscored" in result.stderr
    assert f"grice score {path} --detector DIR" in result.stderr
    assert "training would be refused" in result.stderr
    assert "grice pipeline" not in result.stdout


def test_out_writes_what_is_kept_and_what_is_dropped(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = stages(pairs, "--out", out, "--json")

    assert json.loads(result.stdout)["num_pairs"] == 100
    assert f"wrote 8 files to {out}" in result.stderr
    sizes = {path.name: len(load_pairs(path).table) for path in out.iterdir()}
    assert sizes == {
        "stage1_content_train.json": 60,
        "stage1_content_train.jsonl": 60,
        "stage1_content_dropped.json": 40,
        "stage1_content_dropped.jsonl": 40,
        "stage2_manner_train.json": 10,
        "stage2_manner_train.jsonl": 10,
        "stage2_manner_dropped.json": 90,
        "stage2_manner_dropped.jsonl": 90,
    }


def test_a_file_is_never_overwritten_by_its_own_parts(tmp_path: Path) -> None:
    path = tmp_path / "stage1_content_train.json"
    write_json(path, table_of([CONTENT, UNSCORED]))
    before = path.read_bytes()

    result = stages(path, "--out", tmp_path)

    assert isinstance(result.exception, OutputError)
    assert path.read_bytes() == before


def test_another_recipe_is_named_in_the_next_command(pairs: Path) -> None:
    result = stages(pairs, "--recipe", "joint")

    assert "joint on pairs.json" in result.stdout
    assert "kept by no stage" in result.stdout
    assert result.stdout.rstrip().endswith("--recipe joint")


def test_a_wrong_recipe_is_told_before_the_data_is_read(tmp_path: Path) -> None:
    result = stages(tmp_path / "missing.json", "--recipe", "joit")
    assert isinstance(result.exception, RecipeError)
