import json

import pytest

from app.cli import main
from tests.pipeline.world import write_world


@pytest.fixture
def estimate(tmp_path, monkeypatch, capsys):
    """`grice estimate` in this process, with the options of a pipeline: what it prints."""
    world = write_world(tmp_path / "world")
    files = {"data": "pairs.json", "eval": "eval.json", "base": "base", "detector": "detector"}
    options = [part for name, file in files.items() for part in (f"--{name}", str(world / file))]
    quick = ["--set", "evaluation.max_new_tokens=4", "--num-eval", "4", "--device", "cpu"]

    def run(*more):
        out = ["--out", str(tmp_path / "out")]
        monkeypatch.setattr("sys.argv", ["grice", "estimate", *options, *quick, *out, *more])
        with pytest.raises(SystemExit) as exit_:
            main()
        assert exit_.value.code == 0
        assert not (tmp_path / "out").exists()
        return capsys.readouterr().out

    return run


def test_it_prints_a_line_per_stage_and_what_it_comes_to(estimate):
    printed = estimate("--precision", "fp32")
    lines = {line.split("  ")[0]: line for line in printed.splitlines() if line}
    assert {"stage1", "stage2", "evaluation", "all, with loading"} <= set(lines)
    assert "12" in lines["evaluation"].split()  # answers of three models to four prompts
    assert "Peak memory about" in printed
    assert "(cpu, float32), base weights in fp32" in printed


def test_it_prints_one_json_document(estimate):
    document = json.loads(estimate("--json"))
    assert [stage["name"] for stage in document["stages"]] == ["stage1", "stage2"]
    assert document["num_answers"] == 12
    assert document["seconds"] > 0


def test_rounds_count_what_they_ask_and_train_on_at_most(estimate):
    """Each samples k answers to every training prompt, and is judged on the held-out ones before and after."""
    changes = ("round.samples.k=3", "round.samples.num_prompts=8", "round.rounds=2")
    own = [part for change in changes for part in ("--set", change)]
    document = json.loads(estimate("--json", "--recipe", "content-then-manner-own", *own))
    first, second = document["stages"][2:]
    assert (first["name"], second["name"]) == ("round1", "round2")
    assert first["num_train"] == second["num_train"] == 8
    assert first["num_steps"] == 2
    assert first["num_answers"] == 3 * (8 + 2 * first["num_heldout"])
    assert second["num_answers"] == 3 * (8 + second["num_heldout"])
    assert first["seconds"] > 0
