"""The demo's second judge, in a few steps: made of labels that the first one never saw."""

from dataclasses import replace
from pathlib import Path

import pytest

from grice_core.demo import detector
from grice_core.demo.build import BuildConfig
from grice_core.demo.second_judge import SecondJudgeConfig, build_second_judge
from grice_core.detector.record import read_record
from grice_core.errors import OutputError


def test_it_is_a_detector_with_figures_of_its_own(tmp_path: Path) -> None:
    few = replace(detector.FIT, num_steps=2, batch_size=4)
    config = SecondJudgeConfig(
        num_written=3, fit=few, first=BuildConfig(detector=few, num_test_texts=8)
    )
    build_second_judge(tmp_path / "judge", config)
    record = read_record(tmp_path / "judge")
    assert record.metrics is not None
    assert record.metrics.num_texts == 8
    assert "half of them of what its base model writes" in record.origin
    with pytest.raises(OutputError, match="exists"):
        build_second_judge(tmp_path / "judge", config)
