"""Exported pairs are in the default layout, fit TRL, and can be read again."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from grice_core.data.export import (
    SplitFiles,
    export_split,
    write_json,
    write_jsonl,
    write_trl_jsonl,
)
from grice_core.data.filters import apply_filter
from grice_core.data.load import load_pairs
from grice_core.data.messages import Conversation
from grice_core.data.pairs import TEXT_FIELDS, PairTable
from grice_core.data.rules import SumRule
from grice_core.errors import OutputError
from grice_core.maxims import MAXIMS, Maxim
from tests.data.conversations import ASKED, BOATS, FOUND, NINE, TOOLS, USER, conversational_rows
from tests.data.files import json_file
from tests.data.tables import UNSCORED, table_of

MANNER = SumRule(name="manner", maxims=(Maxim.MANNER,), above=0.2)
MANNER_ABOVE_0 = SumRule(name="manner", maxims=(Maxim.MANNER,), above=0)


def test_a_pair_has_the_guides_layout(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    write_json(path, table_of([[0.5, 0.0, -0.25, 0.75]], prompts=["Who?\n“Naïve” 🙂"]))

    assert json.loads(path.read_text("utf-8")) == [
        {
            "prompt": "Who?\n“Naïve” 🙂",
            "chosen": "chosen 1",
            "rejected": "rejected 1",
            "chosen_scores": {
                "quantity": 0.25,
                "quality": 0.5,
                "relation": 0.625,
                "manner": 0.125,
            },
            "rejected_scores": {
                "quantity": 0.75,
                "quality": 0.5,
                "relation": 0.375,
                "manner": 0.875,
            },
            "margins": {"quantity": 0.5, "quality": 0.0, "relation": -0.25, "manner": 0.75},
            "avg_margin": 0.25,
        }
    ]


def test_both_forms_are_read_again_as_they_were(tmp_path: Path) -> None:
    table = table_of(
        [[0.1, -0.2, 0.3, 1.0], UNSCORED, [1 / 3, 1e-9, 0, -1]], prompts=["a\nb", 'q"\\', "é 🙂"]
    )
    json_path, jsonl_path = tmp_path / "pairs.json", tmp_path / "pairs.jsonl"
    write_json(json_path, table)
    write_trl_jsonl(jsonl_path, table)

    for path in (json_path, jsonl_path):
        again = load_pairs(path).table
        assert again.prompts == table.prompts
        assert again.chosen == table.chosen
        assert again.rejected == table.rejected
        np.testing.assert_array_equal(again.chosen_scores, table.chosen_scores)
        np.testing.assert_array_equal(again.rejected_scores, table.rejected_scores)


def test_unknown_fields_come_out_again_but_never_over_ours(tmp_path: Path) -> None:
    source = tmp_path / "source.json"
    record = {
        "prompt": "p",
        "chosen": "c",
        "rejected": "r",
        "chosen_scores": dict.fromkeys(MAXIMS, 0.25),
        "rejected_scores": dict.fromkeys(MAXIMS, 0.5),
        "avg_margin": 9.0,
        "domain": {"name": "film", "tags": [1, "x", None]},
        "huge": 2**70,
        "drop_reason": "of an earlier cut",
    }
    source.write_text(json.dumps([record]))
    path = tmp_path / "pairs.json"

    write_json(path, load_pairs(source).table)

    written = json.loads(path.read_text())[0]
    assert written["domain"] == record["domain"]
    assert written["huge"] == 2**70
    assert written["avg_margin"] == 0.25
    assert "drop_reason" not in written


def test_trl_gets_one_type_per_field_and_no_unknown_names(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    extras = pa.table({"images": ["one.png", "two.png"]})

    write_trl_jsonl(path, table_of([[0.5] * 4, UNSCORED], extras=extras))

    scored, unscored = map(json.loads, path.read_text().splitlines())
    flat = [f"{side}_{maxim}" for side in ("chosen", "rejected") for maxim in MAXIMS]
    assert list(scored) == list(unscored) == ["prompt", "chosen", "rejected", *flat]
    assert scored["chosen_manner"] == 0.25
    assert unscored["chosen_manner"] is None


@pytest.mark.parametrize("write", [write_json, write_jsonl])
def test_a_conversational_pair_is_written_with_its_messages(
    write: Callable[[Path, PairTable], None], tmp_path: Path
) -> None:
    table = load_pairs(json_file(tmp_path, *conversational_rows())).table
    path = tmp_path / f"out.{'json' if write is write_json else 'jsonl'}"

    write(path, table)

    text = path.read_text()
    records = (
        json.loads(text) if write is write_json else [json.loads(x) for x in text.splitlines()]
    )
    assert records[0]["prompt"] == [USER]
    assert (records[4]["chosen"], records[4]["tools"]) == ([NINE], TOOLS)
    assert records[7]["prompt"] == "prompt 8"
    assert_same(load_pairs(path).table, table)
    assert load_pairs(path).table.fingerprint == table.fingerprint


def test_trl_gets_conversations_throughout_if_there_are_some(tmp_path: Path) -> None:
    table = load_pairs(json_file(tmp_path, *conversational_rows())).table
    path = tmp_path / "out.jsonl"

    write_trl_jsonl(path, table)

    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert {type(record[name]) for record in records for name in TEXT_FIELDS} == {list}
    assert len({tuple(record) for record in records}) == 1
    assert (records[4]["prompt"], records[4]["tools"]) == ([USER, ASKED, FOUND], TOOLS)
    assert records[0]["tools"] is None
    assert records[7]["prompt"] == [{"role": "user", "content": "prompt 8"}]
    assert records[7]["chosen"] == [{"role": "assistant", "content": "chosen 8"}]
    again = load_pairs(path).table
    assert_same(again.take(range(7)), table.take(range(7)))
    assert (again.prompts, again.chosen, again.rejected) == (
        table.prompts,
        table.chosen,
        table.rejected,
    )


def test_trl_gets_texts_if_no_pair_of_the_file_is_a_conversation(tmp_path: Path) -> None:
    table = load_pairs(json_file(tmp_path, *conversational_rows())).table
    path = tmp_path / "out.jsonl"

    write_trl_jsonl(path, table.take([7, 8]))

    assert [json.loads(line)["prompt"] for line in path.read_text().splitlines()] == [
        "prompt 8",
        "prompt 9",
    ]


def test_a_split_keeps_conversations_on_both_sides(tmp_path: Path) -> None:
    rows = [row | {"rejected_scores": dict.fromkeys(MAXIMS, 0.5)} for row in conversational_rows()]
    kept, dropped = rows[0], rows[5] | {"chosen_scores": dict.fromkeys(MAXIMS, 0.5)}
    table = load_pairs(json_file(tmp_path, kept, dropped)).table
    files = SplitFiles.of(tmp_path, "stage2_manner")

    export_split(files, table, apply_filter([MANNER_ABOVE_0], table.margins))

    for path, index in ((files.train, 0), (files.dropped, 1)):
        for file in (path, path.with_suffix(".jsonl")):
            assert load_pairs(file).table.conversations == [table.conversations[index]]
    assert table.conversations[1] == Conversation((USER,), (ASKED,), (BOATS,), tuple(TOOLS))


def assert_same(table: PairTable, expected: PairTable) -> None:
    assert table.conversations == expected.conversations
    assert (table.prompts, table.chosen, table.rejected) == (
        expected.prompts,
        expected.chosen,
        expected.rejected,
    )
    np.testing.assert_array_equal(table.chosen_scores, expected.chosen_scores)
    np.testing.assert_array_equal(table.rejected_scores, expected.rejected_scores)


def test_a_split_tells_why_each_pair_was_dropped(tmp_path: Path) -> None:
    table = table_of([[0, 0, 0, 0.3], UNSCORED, [0, 0, 0, 0.1]])
    files = SplitFiles.of(tmp_path / "new" / "folder", "stage2_manner")

    export_split(files, table, apply_filter([MANNER], table.margins))

    assert sorted(path.name for path in files.all()) == [
        "stage2_manner_dropped.json",
        "stage2_manner_dropped.jsonl",
        "stage2_manner_train.json",
        "stage2_manner_train.jsonl",
    ]
    assert [pair["chosen"] for pair in json.loads(files.train.read_text())] == ["chosen 1"]
    dropped = json.loads(files.dropped.read_text())
    lines = files.dropped.with_suffix(".jsonl").read_text().splitlines()
    for records in (dropped, [json.loads(line) for line in lines]):
        reasons = {record["chosen"]: record["drop_reason"] for record in records}
        assert reasons == {"chosen 2": "unscored", "chosen 3": "manner"}


def test_nothing_is_written_where_there_are_no_pairs(tmp_path: Path) -> None:
    table = table_of([[0, 0, 0, 0.3], [0, 0, 0, 0.4]])
    files = SplitFiles.of(tmp_path, "stage2_manner")
    files.dropped.with_suffix(".jsonl").write_text("of an earlier try")

    written = export_split(files, table, apply_filter([MANNER], table.margins))

    assert written == [files.train, files.train.with_suffix(".jsonl")]
    assert sorted(tmp_path.iterdir()) == sorted(written)


def test_a_set_without_pairs_is_an_empty_list(tmp_path: Path) -> None:
    empty = table_of([])
    write_json(tmp_path / "none.json", empty)
    write_trl_jsonl(tmp_path / "none.jsonl", empty)

    assert json.loads((tmp_path / "none.json").read_text()) == []
    assert (tmp_path / "none.jsonl").read_text() == ""


def test_a_large_table_is_written_whole(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    table = table_of(np.zeros((10_001, 4)).tolist())

    write_trl_jsonl(
        tmp_path / "pairs.jsonl", table, progress=lambda _, done, total: seen.append((done, total))
    )

    chosen = [
        json.loads(line)["chosen"] for line in (tmp_path / "pairs.jsonl").read_text().splitlines()
    ]
    assert chosen == table.chosen
    assert seen == [(0, 10_001), (10_000, 10_001), (10_001, 10_001)]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    table = table_of([[0, 0, 0, 0.3]])

    with pytest.raises(OutputError, match=r"taken can't be written to \(File exists\); choose"):
        export_split(SplitFiles.of(tmp_path / "taken", "s"), table, apply_filter([], table.margins))
