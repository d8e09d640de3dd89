from pathlib import Path

import pytest

from grice_core.evaluation.spread import spread_over_seeds
from grice_core.evaluation.stored import read_evaluation
from tests.evaluation.folders import evaluated_folder
from tests.evaluation.judged import judged


def test_mean_and_deviation_by_hand(tmp_path: Path) -> None:
    before = judged("baseline", ["q", "q", "q", "q"])
    evaluations = [
        read_evaluation(evaluated_folder(tmp_path / f"seed{seed}", before, judged("stage1", after)))
        for seed, after in enumerate([["q", "-", "-", "-"], ["q", "q", "q", "-"]])
    ]

    found = {(one.measure, one.model): one for one in spread_over_seeds(evaluations)}

    quantity = found["quantity", "stage1"]
    assert quantity.rates == (0.25, 0.75)
    assert quantity.mean == 0.5
    assert quantity.sd == pytest.approx(0.125**0.5)  # ((−1/4)² + (1/4)²) / 1
    assert found["quantity", "baseline"].sd == 0
    assert found["cooperative", "stage1"].mean == 0.5
