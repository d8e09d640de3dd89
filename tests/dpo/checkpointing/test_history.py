import math

import pytest

from grice_core.dpo.checkpointing.history import HistoryFile, read_history
from grice_core.errors import OutputError


def write(path, steps):
    with HistoryFile(path) as history:
        for step in steps:
            history.append({"step": step, "loss": step / 8})


def steps(path):
    return [record["step"] for record in read_history(path)]


def test_each_step_is_a_line(tmp_path):
    path = tmp_path / "stage1" / "history.jsonl"
    write(path, [1, 2])
    assert path.read_text() == '{"step": 1, "loss": 0.125}\n{"step": 2, "loss": 0.25}\n'
    assert read_history(path) == [{"step": 1, "loss": 0.125}, {"step": 2, "loss": 0.25}]


def test_a_line_can_be_read_before_the_file_is_closed(tmp_path):
    path = tmp_path / "history.jsonl"
    with HistoryFile(path) as history:
        history.append({"step": 1})
        assert steps(path) == [1]


def test_a_history_that_is_not_there_has_no_records(tmp_path):
    assert read_history(tmp_path / "history.jsonl") == []


@pytest.mark.parametrize("torn", ['{"step": 3, "lo', '{"step": 3}', "{", "\n", "3\n", "\x00\x00\n"])
def test_a_torn_last_line_is_left_out_and_cut_off(tmp_path, torn):
    path = tmp_path / "history.jsonl"
    write(path, [1, 2])
    with path.open("a") as file:
        file.write(torn)
    assert steps(path) == [1, 2]
    with HistoryFile(path) as history:
        history.truncate_after(2)
        history.append({"step": 3})
    assert steps(path) == [1, 2, 3]


def test_going_on_drops_the_steps_that_will_be_taken_again(tmp_path):
    path = tmp_path / "history.jsonl"
    write(path, [1, 2, 3, 4])
    with HistoryFile(path) as history:
        history.truncate_after(2)
        history.append({"step": 3})
        history.sync()
    assert steps(path) == [1, 2, 3]


def test_starting_anew_empties_the_file(tmp_path):
    path = tmp_path / "history.jsonl"
    write(path, [1, 2])
    with HistoryFile(path) as history:
        history.truncate_after(0)
    assert path.read_bytes() == b""


def test_what_is_not_a_number_survives_as_null(tmp_path):
    path = tmp_path / "history.jsonl"
    with HistoryFile(path) as history:
        history.append({"step": 1, "heldout/loss": math.nan, "grad_norm": math.inf})
    assert path.read_text() == '{"step": 1, "heldout/loss": null, "grad_norm": null}\n'
    assert math.isnan(read_history(path)[0]["heldout/loss"])


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "stage1").write_text("")
    with (
        pytest.raises(OutputError, match=r"history\.jsonl can't be written"),
        HistoryFile(tmp_path / "stage1" / "history.jsonl"),
    ):
        pass
