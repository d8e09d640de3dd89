import sys

import pytest
from accelerate.state import PartialState
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from grice_core.errors import InputError
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.trackers import StageTracker, TrackedStage, check_reporting
from tests.pipeline.world import config


def tracker(report_to, folder):
    return StageTracker(report_to, TrackedStage("recipe on pairs, stage1", folder / "events", {}))


def told(folder):
    """What TensorBoard reads of a folder: by metric, the steps and their values."""
    read = EventAccumulator(str(folder / "events"))
    read.Reload()
    return {
        name: [(scalar.step, round(scalar.value, 6)) for scalar in read.Scalars(name)]
        for name in read.Tags()["scalars"]
    }


def test_each_metric_is_told_with_its_step(tmp_path):
    events = tracker("tensorboard", tmp_path)
    events.start(0)
    events.add({"step": 1, "loss": 0.5, "rewards/margins": 0.1})
    events.add({"step": 2, "loss": 0.25, "rewards/margins": 0.2})
    events.close()
    assert told(tmp_path) == {
        "loss": [(1, 0.5), (2, 0.25)],
        "rewards/margins": [(1, 0.1), (2, 0.2)],
    }


def test_accelerates_state_does_not_stay_for_stages_that_several_processes_train(tmp_path):
    reported = tracker("tensorboard", tmp_path)
    reported.start(0)
    reported.add({"step": 1, "loss": 0.5})
    reported.close()
    assert PartialState._shared_state == {}


def test_steps_after_the_checkpoint_that_a_run_goes_on_from_are_withdrawn(tmp_path):
    events = tracker("tensorboard", tmp_path)
    events.start(0)
    for step in (1, 2, 3, 4):
        events.add({"step": step, "loss": 0.5})
    events.close()
    again = tracker("tensorboard", tmp_path)
    again.start(2)
    for step in (3, 4, 5):
        again.add({"step": step, "loss": 0.25})
    again.close()
    assert told(tmp_path)["loss"] == [(1, 0.5), (2, 0.5), (3, 0.25), (4, 0.25), (5, 0.25)]


def test_nobody_is_told_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events = tracker("none", tmp_path)
    events.start(0)
    events.add({"step": 1, "loss": 0.5})
    events.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["tensorboard", "trackio", "mlflow", "wandb"])
def test_without_the_package_a_pipeline_says_so_before_it_begins(
    package, world, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    check_reporting("none")
    with pytest.raises(InputError, match=rf"pip install 'grice-studio\[{package}\]'"):
        PipelineParts(config(world, tmp_path / "out", report_to=package))
