import pytest

from benchmarks.models.outcome import Task
from benchmarks.models.workers import Pool, examine_all
from tests.benchmarks.examples import examine


def outcomes(*names, jobs=2, timeout_s=120.0):
    tasks = [Task(name, "fp32") for name in names]
    found = list(examine_all(tasks, Pool(examine, jobs, timeout_s)))
    assert sorted(outcome.name for outcome in found) == sorted(names)
    return {outcome.name: outcome for outcome in found}


def test_every_type_has_a_row_whatever_becomes_of_its_process(capfd):
    found = outcomes("one", "crashes", "two", "leaves", "raises", "refused", "three")
    assert found["crashes"].why == "failed: its process was killed by SIGSEGV"
    assert found["leaves"].why == "failed: its process ended with exit code 3"
    assert found["raises"].why == "failed: ValueError: a | b"
    assert {name for name, one in found.items() if one.result == "failed"} == {
        "crashes",
        "leaves",
        "raises",
    }
    assert (found["refused"].result, found["refused"].why) == ("refused", "it is not causal")
    assert {found[name].lora_share for name in ("one", "two", "three")} == {0.5}
    said = capfd.readouterr()
    assert not said.out
    assert "raises says something" in said.err  # only what failed ones said
    assert "two says something" not in said.err


def test_one_that_takes_too_long_is_stopped_and_the_others_go_on():
    found = outcomes("hangs", "one", "two", jobs=1, timeout_s=5.0)
    assert found["hangs"].why == "failed: no answer in 5 s"
    assert found["one"].result == found["two"].result == "shared"


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_gets_an_empty_folder(jobs):
    found = outcomes("one", "two", "three", "four", jobs=jobs)
    assert {outcome.result for outcome in found.values()} == {"shared"}
