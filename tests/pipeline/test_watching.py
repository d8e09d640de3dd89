import pytest
import torch

from grice_core.dpo.checkpointing.history import HistoryFile
from grice_core.dpo.health import Trouble
from grice_core.errors import TrainingError
from grice_core.pipeline.watching import StageWatch
from grice_core.progress import Reporter

CPU = torch.device("cpu")


def record(step, chosen_logps, at_the_start=-40.0):
    return {
        "step": step,
        "loss": 0.5,
        "beta": 0.1,
        "rewards/chosen": 0.1 * (chosen_logps - at_the_start),
        "logps/chosen": chosen_logps,
        "logps/rejected": chosen_logps,
        "rewards/accuracies": 0.6,
        "heldout/loss": 0.6,
        "heldout/logps/chosen": chosen_logps,
        "heldout/rewards/accuracies": 0.6,
        "heldout/rewards/margins": 0.1,
    }


def test_each_kind_of_trouble_is_said_once(tmp_path):
    said, told = [], {}
    reporter = Reporter(say=said.append, on_trouble=told.__setitem__)
    with HistoryFile(tmp_path / "history.jsonl") as history:
        watch = StageWatch("stage1", 4, CPU, history, reporter)
        reporter = watch.stage_reporter()
        reporter.on_start(0, record(0, -40.0))
        reporter.on_step(record(1, -41.0))
        assert said == []
        reporter.on_step(record(2, -100.0))
        reporter.on_step(record(3, -120.0))
    assert list(watch.troubles) == [Trouble.CHOSEN_COLLAPSE]
    assert told == watch.troubles
    assert {type(kind) for kind in told} == {str}  # a database takes nothing else for a name
    assert len(said) == 1
    assert said[0].startswith("stage1: ")


def test_a_loss_that_has_diverged_ends_the_training(tmp_path):
    with HistoryFile(tmp_path / "history.jsonl") as history:
        reporter = StageWatch("stage1", 40, CPU, history, Reporter()).stage_reporter()
        reporter.on_start(0, record(0, -40.0))
        for step in range(1, 10):
            reporter.on_step(record(step, -40.0) | {"loss": 50.0, "heldout/loss": 50.0})
        with pytest.raises(TrainingError, match=r"stage1: .*since step 1: lower the learning rate"):
            reporter.on_step(record(10, -40.0) | {"loss": 50.0, "heldout/loss": 50.0})


def test_after_the_first_steps_it_is_said_once_how_long_the_others_take(tmp_path, monkeypatch):
    said, clock = [], iter([100.0, 102.0, 104.0, 106.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with HistoryFile(tmp_path / "history.jsonl") as history:
        reporter = StageWatch(
            "stage1", 44, CPU, history, Reporter(say=said.append)
        ).stage_reporter()
        reporter.on_start(0, record(0, -40.0))
        for step in range(1, 10):
            reporter.on_step(record(step, -40.0))
    assert len(said) == 1
    assert said[0].startswith("stage1: about 1 min 20 s for the other 40 steps; ")
    assert said[0].endswith("GiB of memory so far")


def test_going_on_tells_which_steps_the_checkpoint_holds(tmp_path):
    told = []
    with HistoryFile(tmp_path / "history.jsonl") as history:
        watch = StageWatch("stage1", 4, CPU, history, Reporter(on_checkpointed=told.append))
        reporter = watch.stage_reporter()
        reporter.on_start(2, record(0, -40.0))
        reporter.on_checkpointed(4)
    assert told == [2, 4]
