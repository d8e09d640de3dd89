import json
from pathlib import Path

import numpy as np
import pytest

from grice_core.errors import DataError
from grice_core.evaluation.taught import read_taught
from grice_core.maxims import MAXIMS


def write_pairs(path: Path, margins: np.ndarray, rewards: list[float]) -> None:
    lines = [
        {
            "row": row,
            "data_margins": dict(zip(MAXIMS, of_pair, strict=True)),
            "reward_margin": reward,
        }
        for row, (of_pair, reward) in enumerate(
            zip(margins.tolist(), rewards, strict=True), start=1
        )
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_margins_of_data_and_reward_are_ranked_against_each_other(tmp_path: Path) -> None:
    # Quantity in the same order as the rewards, quality in reverse, relation always the same.
    margins = np.array([[0.1, 0.9, 0.5, 0.2], [0.2, 0.8, 0.5, 0.1], [0.4, 0.1, 0.5, 0.3]])
    write_pairs(tmp_path / "pairs.jsonl", margins, [-0.5, 0.1, 0.2])

    pairs = read_taught(tmp_path / "pairs.jsonl")

    assert pairs.rows == (1, 2, 3)
    assert pairs.accuracy == pytest.approx(2 / 3)
    # Manner: ranks 2, 1, 3 against 1, 2, 3: rho = 1 − 6·2 / (3·8).
    assert pairs.correlations() == {
        "quantity": pytest.approx(1),
        "quality": pytest.approx(-1),
        "relation": None,
        "manner": pytest.approx(0.5),
    }


def test_two_pairs_have_no_correlation(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.jsonl", np.random.default_rng(0).random((2, 4)), [0.1, 0.2])

    assert set(read_taught(tmp_path / "pairs.jsonl").correlations().values()) == {None}


@pytest.mark.parametrize("text", ["{", '{"row": 1}\n', "[]\n"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs.jsonl").write_text(text)

    with pytest.raises(DataError, match=r"pairs\.jsonl can't be read"):
        read_taught(tmp_path / "pairs.jsonl")
