"""The scores that come with the demo are those that its detector gives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from grice_core.demo.project import demo_models, write_demo_data
from grice_core.demo.scores import SEED, with_scores, write_scores
from grice_core.detector.load import load_detector
from grice_core.errors import InputError

MODELS = demo_models()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_data(tmp_path_factory.mktemp("data"), SEED).pairs


def test_the_shipped_scores_are_the_shipped_detectors(pairs: Path):
    table = with_scores(pairs, MODELS.detector.parent)
    assert table.scored.all()
    some = table.take(np.arange(0, len(table), 50))
    detector = load_detector(MODELS.detector, torch.device("cpu"), "fp32")
    for responses, scores in (
        (some.chosen, some.chosen_scores),
        (some.rejected, some.rejected_scores),
    ):
        assert np.allclose(detector.score(some.prompts, responses), scores, atol=1e-4)


def test_scores_come_back_as_they_were_written(pairs: Path, tmp_path: Path):
    table = with_scores(pairs, MODELS.detector.parent)
    other = replace(table, chosen_scores=np.round(table.chosen_scores, 2))
    write_scores(tmp_path, other)
    again = with_scores(pairs, tmp_path)
    assert np.allclose(again.chosen_scores, other.chosen_scores, atol=1e-7)
    assert np.array_equal(again.rejected_scores, table.rejected_scores)


def test_scores_that_are_missing_or_of_other_pairs_are_refused(pairs: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"scores\.npy is missing: make the demo's models"):
        with_scores(pairs, tmp_path)
    few = write_demo_data(tmp_path / "few", SEED, num_pairs=50).pairs
    with pytest.raises(InputError, match="holds the scores of other pairs"):
        with_scores(few, MODELS.detector.parent)
