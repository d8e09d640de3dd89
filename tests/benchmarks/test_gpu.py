"""What one call on a machine with a GPU depends on: nothing found is lost, and the script itself is right."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks.gpu import running
from benchmarks.gpu.results import PACKED, PAIRS, Results, Row, at_least, at_most, skipped
from benchmarks.gpu.running import Clock, Part, Task, run_parts
from tests.benchmarks.gpu_tasks import measure


def pace(who, value, work="medium, bf16"):
    return Row(work, PAIRS, value, who=who, part="training")


@pytest.mark.parametrize("order", [1, -1])
def test_a_ratio_is_there_once_both_are_known(order):
    results = Results(None, prints=False)
    for row in [pace("ours", 50.0), pace("other shape", 1.0, "llama"), pace("trl", 10.0)][::order]:
        results.add(row)
    (ratio,) = [row for row in results.rows if row.limit]
    assert (ratio.value, ratio.limit, ratio.state) == (5.0, "≥ 4", "met")
    results.add(pace(PACKED, 40.0))
    assert (results.rows[-1].value, results.rows[-1].state) == (1.25, "missed")


def test_each_row_is_in_the_file_as_soon_as_it_comes(tmp_path, capsys):
    results = Results(tmp_path / "out", prints=True)
    results.add(pace("ours", 50.0))
    (line,) = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert json.loads(line) == json.loads(capsys.readouterr().out)
    assert json.loads(line)["value"] == 50.0
    assert results.table().endswith("pairs/s, set-up included  50")
    assert (tmp_path / "out" / "table.txt").read_text().strip() == results.table()


def test_a_difference_too_large_or_not_a_number_is_wrong_and_a_goal_missed_is_not():
    def is_right(row, part):
        results = Results(None, prints=False)
        results.add(replace(row, part=part))
        return results.is_right

    assert is_right(at_most("tiny", "gradients", 1e-6, 1e-3), "correctness")
    assert not is_right(at_most("tiny", "gradients", 2e-3, 1e-3), "correctness")
    assert not is_right(at_most("tiny", "losses", 2e-3, 1e-3), "processes")
    assert not is_right(at_most("tiny", "gradients", float("nan"), 1e-3), "correctness")
    assert is_right(at_least("medium", "ours / trl", 3.0, 4.0), "training")
    assert is_right(skipped("medium", "", "not installed"), "training")
    assert not is_right(Row("medium", "", state="failed"), "training")


def run(*hows, seconds=100.0, **kwargs):
    tasks = tuple(Task(how, measure, (how,), **kwargs) for how in hows)
    parts = (Part("first", 1.0, tasks), Part("second", 1.0, ()))
    return list(run_parts(parts, "given", Clock(seconds, parts)))


def test_a_process_that_fails_costs_its_own_task_only():
    rows = run("one", "crashes", "raises", "two", seconds=600.0)
    processes = {row.work: row.value for row in rows if row.what == "process"}
    assert list(processes) == [f"given, {how}" for how in ("one", "crashes", "raises", "two")]
    assert len(set(processes.values())) == 3  # two tasks share one until it crashes
    assert {row.work: row.note for row in rows if row.state} == {
        "crashes": "its process was ended by SIGSEGV",
        "raises": "ValueError: no such kernel",
    }


def test_one_that_hangs_is_killed_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(running, "LEAST_S", 1.0)
    *_, last = run("hangs", seconds=6.0)
    assert (last.work, last.note) == ("hangs", "did not fit: its time was over before its end")


def test_what_does_not_fit_or_is_not_installed_is_said():
    assert [row.note for row in run("one", seconds=1.0)] == ["did not fit: no time was left for it"]
    assert [row.note for row in run("one", needs="no_such_module")] == [
        "no_such_module is not installed"
    ]


@pytest.mark.stack
def test_the_rehearsal_of_a_part_finds_nothing_wrong(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "--rehearse", "--part", "evaluation"]
    ran = subprocess.run(
        [*command, "--minutes", "10", "--json", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert ran.returncode == 0
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    found = {(row["work"], row["who"]) for row in rows if row.get("what") == "tokens/s"}
    assert found == {
        (f"{size}, bf16", who)
        for size in ("tiny", "llama-tiny")
        for who in ("ours", "transformers")
    }
    assert (tmp_path / "results.jsonl").read_text() == ran.stdout
