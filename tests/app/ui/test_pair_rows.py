"""A pair as a line of the table."""

from app.ui.pair_rows import line_of
from grice_core.data.excerpts import Frame
from grice_core.data.load import load_pairs
from tests.app.samples import write_pairs_file


def test_a_line_leaves_out_what_all_prompts_share_and_marks_hits(tmp_path) -> None:
    table = load_pairs(write_pairs_file(tmp_path / "pairs.json", num=40)).table
    frame = Frame.of(table.prompts)
    line = line_of(table.take([5]), frame, "CAT")
    assert line["row"] == 6
    assert line["prompt"] == [("2.", False)]
    assert ("cat", True) in line["rejected"]
    assert [one["maxim"] for one in line["margins"]] == [
        *("quantity", "quality", "relation", "manner")
    ]


def test_a_hit_in_what_prompts_share_is_shown_all_the_same(tmp_path) -> None:
    table = load_pairs(write_pairs_file(tmp_path / "pairs.json", num=40)).table
    line = line_of(table.take([5]), Frame.of(table.prompts), "cooperative")
    assert ("cooperative", True) in line["prompt"]


def test_a_margin_that_teaches_the_opposite_stands_out_and_an_unscored_one_says_nothing(
    tmp_path,
) -> None:
    table = load_pairs(write_pairs_file(tmp_path / "pairs.json", num=2)).table
    table.chosen_scores[0], table.rejected_scores[0] = 0.5, (0.1, 0.45, 0.7, 0.5)
    tones = [one["tone"] for one in line_of(table.take([0]), Frame(), "")["margins"]]
    assert tones == ["bad", "dim", "", "dim"]
    table.chosen_scores[1] = float("nan")
    assert {one["text"] for one in line_of(table.take([1]), Frame(), "")["margins"]} == {"–"}
