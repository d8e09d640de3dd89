from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grice_core.data.extras import extra_rows
from grice_core.data.load import LoadedPairs, load_pairs, load_prompts
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS
from tests.data.files import BAD, GOOD, flat, json_file, json_lines_file, pair

NAN = float("nan")


def problems(loaded: LoadedPairs) -> dict[str, tuple[int, ...]]:
    return {problem.code: problem.rows for problem in loaded.report.problems}


def test_texts_scores_and_row_numbers_are_read(tmp_path: Path) -> None:
    loaded = load_pairs(json_file(tmp_path, pair(1), pair(2)))

    table = loaded.table
    assert table.prompts == ["prompt 1", "prompt 2"]
    assert table.chosen == ["chosen 1", "chosen 2"]
    assert table.rejected == ["rejected 1", "rejected 2"]
    assert table.chosen_scores.tolist() == [[GOOD[maxim] for maxim in MAXIMS]] * 2
    assert table.margins[0] == pytest.approx([0.8, 0.0, 0.5, 0.0])
    assert table.rows.tolist() == [1, 2]
    assert loaded.report.problems == ()


def test_the_report_has_exactly_the_promised_keys(tmp_path: Path) -> None:
    report = load_pairs(json_file(tmp_path, pair(1), pair(2, prompt=""))).report.as_json()

    assert report["num_rows"] == 2
    assert report["num_usable"] == report["num_scored"] == 1
    assert set(report) == {"num_rows", "num_usable", "num_scored", "problems"}
    (problem,) = report["problems"]
    assert set(problem) == {"code", "severity", "count", "rows", "message", "fix"}
    assert (problem["code"], problem["severity"]) == ("empty_prompt", "error")
    assert (problem["count"], problem["rows"]) == (1, [2])


def test_only_the_first_twenty_rows_are_listed(tmp_path: Path) -> None:
    rows = [pair(0), *(pair(n, chosen=None) for n in range(30))]

    (problem,) = load_pairs(json_file(tmp_path, *rows)).report.problems

    assert problem.count == 30
    assert problem.rows == tuple(range(2, 22))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prompt": ...}, "empty_prompt"),
        ({"chosen": None}, "empty_chosen"),
        ({"rejected": " \n\t"}, "empty_rejected"),
        ({"chosen": 7}, "text_wrong_type"),
        ({"prompt": ["no", "messages"]}, "text_wrong_type"),
        ({"prompt": "half \ud800"}, "text_malformed"),
        ({"chosen_scores": ...}, "missing_score"),
        ({"chosen_scores": {**GOOD, "manner": None}}, "missing_score"),
        ({"chosen_scores": {"Quantity": 0.1}}, "missing_score"),
        ({"chosen_scores": {"quantity": 0.1}, "rejected_scores": ...}, "missing_score"),
        ({"rejected_scores": {**BAD, "manner": NAN}}, "score_not_a_number"),
        ({"rejected_scores": {**BAD, "manner": float("inf")}}, "score_not_a_number"),
        ({"chosen_scores": {**GOOD, "manner": "high"}}, "score_not_a_number"),
        ({"chosen_scores": {**GOOD, "manner": ""}}, "missing_score"),
        ({"chosen_scores": {**GOOD, "manner": True}}, "score_wrong_type"),
        ({"chosen_scores": {**GOOD, "manner": [0.4]}}, "score_wrong_type"),
        ({"chosen_scores": [0.1, 0.2, 0.3, 0.4]}, "score_wrong_type"),
        ({"chosen_scores": {**GOOD, "manner": 1.0001}}, "score_out_of_range"),
        ({"chosen_scores": {**GOOD, "manner": -0.1}}, "score_out_of_range"),
        ({"chosen_scores": {**GOOD, "manner": 10**400}}, "score_out_of_range"),
    ],
)
def test_an_unusable_row_is_reported_and_left_out(
    changes: dict[str, Any], code: str, tmp_path: Path
) -> None:
    loaded = load_pairs(json_file(tmp_path, pair(1), pair(2, **changes), pair(3)))

    assert problems(loaded) == {code: (2,)}
    assert loaded.table.rows.tolist() == [1, 3]
    assert loaded.unusable.column("row").to_pylist() == [2]
    assert loaded.unusable.column("codes").to_pylist() == [[code]]


def test_a_row_may_have_several_problems(tmp_path: Path) -> None:
    loaded = load_pairs(json_file(tmp_path, pair(1), pair(2, prompt="", chosen=3)))

    assert problems(loaded) == {"empty_prompt": (2,), "text_wrong_type": (2,)}


def test_a_row_that_is_no_object_is_reported_as_that_alone(tmp_path: Path) -> None:
    loaded = load_pairs(json_file(tmp_path, "text", pair(2), None))

    assert problems(loaded) == {"not_an_object": (1, 3)}


def test_unusable_rows_are_kept_as_they_came(tmp_path: Path) -> None:
    loaded = load_pairs(json_file(tmp_path, pair(1), {"prompt": "p", "note": 5}))

    assert loaded.unusable.column("content").to_pylist() == ['{"prompt": "p", "note": 5}']


@pytest.mark.parametrize(
    "changes",
    [
        {"chosen_scores": ..., "rejected_scores": ...},
        {"chosen_scores": None, "rejected_scores": {}},
        {"chosen_scores": dict.fromkeys(GOOD), "rejected_scores": dict.fromkeys(GOOD, NAN)},
    ],
)
def test_a_pair_without_any_score_is_unscored(changes: dict[str, Any], tmp_path: Path) -> None:
    loaded = load_pairs(json_file(tmp_path, pair(1), pair(2, **changes)))

    assert loaded.report.problems == ()
    assert loaded.report.num_usable == 2
    assert loaded.report.num_scored == 1
    assert loaded.table.scored.tolist() == [True, False]
    assert np.isnan(loaded.table.margins[1]).all()


@pytest.mark.parametrize(
    "spelling", ["{side}_{maxim}", "{side}_scores.{maxim}", "{side}_scores_{maxim}"]
)
def test_scores_may_stand_in_flat_fields(spelling: str, tmp_path: Path) -> None:
    texts = {name: f"a {name}" for name in ("context", "chosen_response", "rejected_response")}
    scores = {
        spelling.format(side=side, maxim=maxim): value
        for side, values in (("chosen", GOOD), ("rejected", BAD))
        for maxim, value in values.items()
    }

    table = load_pairs(json_file(tmp_path, {**texts, **scores})).table

    assert table.prompts == ["a context"]
    assert table.rejected == ["a rejected_response"]
    assert table.margins[0] == pytest.approx([0.8, 0.0, 0.5, 0.0])
    assert extra_rows(table.extras) == [{}]


def test_spellings_may_differ_between_rows(tmp_path: Path) -> None:
    other = flat(pair(2, prompt=..., context="prompt 2"))

    loaded = load_pairs(json_lines_file(tmp_path, pair(1), other))

    assert loaded.report.problems == ()
    assert loaded.table.prompts == ["prompt 1", "prompt 2"]
    assert loaded.table.margins[0].tolist() == loaded.table.margins[1].tolist()


def test_unknown_fields_are_kept_row_by_row(tmp_path: Path) -> None:
    scores = {**GOOD, "overall": 0.25}
    rows = [pair(1, source="a", tags=[1, "x"]), pair(2, prompt=""), pair(3, chosen_scores=scores)]

    table = load_pairs(json_file(tmp_path, *rows)).table

    assert extra_rows(table.extras) == [
        {"source": "a", "tags": [1, "x"]},
        {"chosen_scores.overall": 0.25},
    ]


def test_margins_in_the_file_are_compared_and_not_believed(tmp_path: Path) -> None:
    right = {"quantity": 0.8, "quality": 0.0, "relation": 0.5, "manner": 0.0}
    rows = [
        pair(1, margins=right, avg_margin=0.325),
        pair(2, margins={**right, "manner": 0.2}),
        pair(3, avg_margin=0.5),
    ]

    loaded = load_pairs(json_file(tmp_path, *rows))

    assert problems(loaded) == {"margins_disagree": (2, 3)}
    assert loaded.table.margins[1] == pytest.approx([0.8, 0.0, 0.5, 0.0])


def test_the_same_bytes_have_the_same_hash(tmp_path: Path) -> None:
    first = json_file(tmp_path, pair(1), name="a.json")
    second = json_file(tmp_path, pair(1), name="b.json")
    other = json_file(tmp_path, pair(2), name="c.json")

    assert load_pairs(first).sha256 == load_pairs(second).sha256 == load_prompts(first).sha256
    assert load_pairs(other).sha256 != load_pairs(first).sha256


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []

    load_pairs(json_lines_file(tmp_path, pair(1)), lambda *state: heard.append(state))

    task, done, total = heard[-1]
    assert task == "read pairs.jsonl"
    assert done == total


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (pair(1, rejected=...), "no field 'rejected' or 'rejected_response'"),
        (pair(1, prompt=..., asked="?"), "it has: 'chosen', 'rejected'"),
        (pair(1, prompt=..., Promt="p"), "is 'Promt' meant to be 'prompt'?"),
    ],
)
def test_a_field_that_no_row_has_is_named(
    row: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as error:
        load_pairs(json_file(tmp_path, row))

    assert sentence in str(error.value)


def test_prompts_need_no_responses(tmp_path: Path) -> None:
    path = json_file(tmp_path, {"prompt": "a"}, {"context": "b"}, {"prompt": "a"})

    prompts = load_prompts(path)

    assert prompts.prompts == ["a", "b", "a"]
    assert prompts.rows.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"prompt": "a"}, {"prompt": " "}], "row 2 has no prompt"),
        ([{"asked": "a"}], "no field 'prompt' or 'context'"),
        ([], "holds no rows"),
    ],
)
def test_a_missing_prompt_is_an_error(rows: list[Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence):
        load_prompts(json_file(tmp_path, *rows))
