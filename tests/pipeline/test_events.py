import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from grice_core.errors import InputError
from grice_core.pipeline.events import StageEvents, check_reporting
from grice_core.pipeline.parts import PipelineParts
from tests.pipeline.world import config


def told(folder):
    """What TensorBoard reads of a folder: by metric, the steps and their values."""
    read = EventAccumulator(str(folder))
    read.Reload()
    return {
        name: [(scalar.step, round(scalar.value, 6)) for scalar in read.Scalars(name)]
        for name in read.Tags()["scalars"]
    }


def test_each_metric_is_told_with_its_step(tmp_path):
    events = StageEvents(tmp_path)
    events.start(0)
    events.add({"step": 1, "loss": 0.5, "rewards/margins": 0.1})
    events.add({"step": 2, "loss": 0.25, "rewards/margins": 0.2})
    events.close()
    assert told(tmp_path) == {
        "loss": [(1, 0.5), (2, 0.25)],
        "rewards/margins": [(1, 0.1), (2, 0.2)],
    }


def test_steps_after_the_checkpoint_that_a_run_goes_on_from_are_withdrawn(tmp_path):
    events = StageEvents(tmp_path)
    events.start(0)
    for step in (1, 2, 3, 4):
        events.add({"step": step, "loss": 0.5})
    events.close()
    again = StageEvents(tmp_path)
    again.start(2)
    for step in (3, 4, 5):
        again.add({"step": step, "loss": 0.25})
    again.close()
    assert told(tmp_path)["loss"] == [(1, 0.5), (2, 0.5), (3, 0.25), (4, 0.25), (5, 0.25)]


def test_nobody_is_told_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events = StageEvents(None)
    events.start(0)
    events.add({"step": 1, "loss": 0.5})
    events.close()
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_a_pipeline_says_so_before_it_begins(world, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    check_reporting("none")
    with pytest.raises(InputError, match=r"pip install 'grice-studio\[tensorboard\]'"):
        PipelineParts(config(world, tmp_path / "out", report_to="tensorboard"))
