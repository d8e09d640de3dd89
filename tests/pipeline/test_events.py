import sys
from types import ModuleType
from typing import ClassVar

import pytest

from grice_core.errors import InputError
from grice_core.pipeline.events import StageEvents, check_reporting
from grice_core.pipeline.parts import PipelineParts
from tests.pipeline.world import config


class Writer:
    """Stands in for torch's writer, whose package the tests do without."""

    written: ClassVar[list[tuple]] = []

    def __init__(self, folder, purge_step):
        self.written[:] = [("begin", folder, purge_step)]

    def add_scalar(self, name, value, step):
        self.written.append((name, value, step))

    def close(self):
        self.written.append(("end",))


@pytest.fixture
def writer(monkeypatch):
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    return Writer


def test_each_metric_is_told_with_its_step_and_later_ones_are_withdrawn(writer, tmp_path):
    events = StageEvents(tmp_path)
    events.start(3)
    events.add({"step": 4, "loss": 0.5, "rewards/margins": 0.1})
    events.close()
    assert writer.written == [
        ("begin", str(tmp_path), 4),
        ("loss", 0.5, 4),
        ("rewards/margins", 0.1, 4),
        ("end",),
    ]


def test_nobody_is_told_unless_asked_for(writer):
    writer.written.clear()
    events = StageEvents(None)
    events.start(0)
    events.add({"step": 1, "loss": 0.5})
    events.close()
    assert writer.written == []


def test_without_the_package_a_pipeline_says_so_before_it_begins(world, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    check_reporting("none")
    with pytest.raises(InputError, match=r"pip install 'grice-studio\[tensorboard\]'"):
        PipelineParts(config(world, tmp_path / "out", report_to="tensorboard"))
