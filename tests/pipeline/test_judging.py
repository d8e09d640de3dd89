import json
import multiprocessing
import shutil
import signal

import pytest

from grice_core.evaluation.results import EVALUATION_FILE, GENERATIONS_FILE
from grice_core.pipeline.parts import PipelineParts
from grice_core.progress import Reporter
from tests.pipeline import killable
from tests.pipeline.world import config


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have everything imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.pipeline.killable"])
    return context


@pytest.fixture
def trained(finished, tmp_path):
    """Trained stages that no one has asked anything yet."""
    out = tmp_path / "out"
    shutil.copytree(finished.output.path, out)
    for name in (GENERATIONS_FILE, EVALUATION_FILE):
        (out / name).unlink()
    return out


def run(processes, *arguments):
    process = processes.Process(target=killable.evaluate, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def test_a_killed_evaluation_goes_on_where_it_was(processes, finished, world, trained):
    """Whenever it is killed: in the first model or the last, with half of a model judged or none."""
    for last in (3, 5, 7, 9):
        assert run(processes, world, trained, last) == -signal.SIGKILL
    lines = (trained / "answers.journal").read_text().splitlines()
    assert len([line for line in lines if "response" in line]) >= 5
    assert run(processes, world, trained) == 0

    for name in (GENERATIONS_FILE, EVALUATION_FILE):
        assert (trained / name).read_text() == (finished.output.path / name).read_text()
    assert not (trained / "answers.journal").exists()


def test_answers_of_other_models_are_not_taken_over(world, trained):
    (trained / "answers.journal").write_text(
        json.dumps({"key": "another evaluation"})
        + "\n"
        + json.dumps({"model": "baseline", "place": 0, "response": "not mine"})
        + "\n"
    )
    evaluation = PipelineParts(config(world, trained)).evaluate()
    assert "not mine" not in evaluation.models[0].responses


def test_a_stop_keeps_what_was_written(world, trained):
    """Stopped while the second model answers, the first is not asked again."""
    told = []

    def progress(task, *_):
        told.append(task)

    stop = Reporter(progress, should_stop=lambda: "stage1: generate responses" in told)
    with pytest.raises(Exception, match="stopped during"):
        PipelineParts(config(world, trained), stop).evaluate()
    entries = [json.loads(line) for line in (trained / "answers.journal").read_text().splitlines()]
    baseline = [entry for entry in entries if entry.get("model") == "baseline"]
    assert len([entry for entry in baseline if "response" in entry]) == 5
    assert len([entry for entry in baseline if "scores" in entry]) == 5
