import json
from pathlib import Path

import numpy as np
import pytest

from grice_core.errors import DataError
from grice_core.evaluation.preference_shift import PreferenceShift, read_shifts, write_shifts
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

    (pairs,) = read_shifts(tmp_path / "pairs.jsonl", "stage1")

    assert (pairs.stage, pairs.after, pairs.references) == ("stage1", "stage1", None)
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

    assert set(read_shifts(tmp_path / "pairs.jsonl", "stage1")[0].correlations().values()) == {None}


@pytest.mark.parametrize("text", ["{", '{"row": 1}\n', "[]\n"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs.jsonl").write_text(text)

    with pytest.raises(DataError, match=r"pairs\.jsonl can't be read"):
        read_shifts(tmp_path / "pairs.jsonl", "stage1")


def test_pairs_of_several_stages_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    written = [
        PreferenceShift(
            stage=stage,
            after="stage2",
            rows=(3, 9),
            data_margins=np.array([[0.1, 0.2, 0.3, 0.4], [-0.5, 0, 0, 1]]),
            reward_margins=np.array([0.25, reward]),
            references=np.array([-3.5, 2.0]),
        )
        for stage, reward in (("stage2", 0.5), ("stage1", -0.5))
    ]
    write_shifts(tmp_path / "pairs.jsonl", written)
    read = read_shifts(tmp_path / "pairs.jsonl", "stage2")
    assert [(one.stage, one.after, one.rows) for one in read] == [
        ("stage2", "stage2", (3, 9)),
        ("stage1", "stage2", (3, 9)),
    ]
    for one, other in zip(read, written, strict=True):
        for name in ("data_margins", "reward_margins", "references"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
