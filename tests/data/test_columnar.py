"""What is kept of an upload is what was uploaded."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from grice_core.data.columnar import is_columnar, read_pairs, write_pairs
from grice_core.data.export import write_json
from grice_core.data.extras import extra_rows
from grice_core.data.json_column import json_array
from grice_core.data.load import load_pairs
from grice_core.data.messages import Conversation
from grice_core.data.pairs import TEXT_FIELDS, PairTable
from grice_core.data.texts import TEXT
from grice_core.errors import DataError
from tests.data.conversations import BOATS, NINE, SYSTEM, TOOLS, TWO, USER, conversational_rows
from tests.data.files import json_file, pair
from tests.data.tables import UNSCORED, table_of


def stored(table: PairTable, folder: Path) -> PairTable:
    write_pairs(folder / "pairs.parquet", table)
    return read_pairs(folder / "pairs.parquet")


def test_texts_scores_and_rows_come_back(tmp_path: Path) -> None:
    table = table_of([(0.1, 0.2, -0.3, 0.4), UNSCORED, (0.0, 0.0, 0.0, 1.0)]).take([2, 1])

    again = stored(table, tmp_path)

    assert again.fingerprint == table.fingerprint
    assert again.rows.tolist() == [3, 2]
    assert again.scored.tolist() == [True, False]
    assert again.take([0]).prompts == ["prompt 3"]


def test_unknown_fields_of_any_form_come_back(tmp_path: Path) -> None:
    row = {"prompt": "p", "chosen": "c", "rejected": "r"}
    rows = [row | {"id": 1, "tags": ["a"], "odd": {}, "_note": "x"}, row | {"id": 2, "odd": 2}]
    (tmp_path / "in.json").write_text(json.dumps(rows))
    table = load_pairs(tmp_path / "in.json").table

    again = stored(table, tmp_path)

    write_json(tmp_path / "before.json", table)
    write_json(tmp_path / "after.json", again)
    assert not is_columnar(tmp_path / "in.json")
    assert (tmp_path / "after.json").read_text() == (tmp_path / "before.json").read_text()


def test_conversations_come_back(tmp_path: Path) -> None:
    table = load_pairs(json_file(tmp_path, *conversational_rows())).table

    again = stored(table, tmp_path)

    assert again.conversations == table.conversations
    assert again.conversations[4].tools == tuple(TOOLS)  # type: ignore[union-attr]
    assert again.fingerprint == table.fingerprint
    assert again.extras.column_names == table.extras.column_names
    assert load_pairs(tmp_path / "pairs.parquet").table.fingerprint == table.fingerprint


def stored_by_earlier_versions(folder: Path, table: PairTable, kept: list[Any]) -> Path:
    """A file of pairs whose lists of messages are kept as they came, in a field like any other."""
    path = folder / "earlier.parquet"
    extras = pa.table({"original_messages": json_array(kept)})
    write_pairs(path, replace(table, messages=None, extras=extras))
    return path


def test_conversations_that_an_earlier_version_stored_are_found(tmp_path: Path) -> None:
    rows = [
        pair(1, prompt=[USER], chosen=[NINE], rejected=[BOATS]),
        pair(2, prompt=..., chosen=[SYSTEM, USER, NINE], rejected=[SYSTEM, USER, BOATS]),
        pair(3, prompt="Which pier?", chosen=[TWO], rejected=[BOATS]),
        pair(4, prompt="Which pier?", chosen=[USER, NINE], rejected=[USER, BOATS]),
        pair(5, prompt=[USER], chosen="Yes.", rejected=[BOATS]),
        pair(6),
    ]
    kept = [
        {name: row[name] for name in TEXT_FIELDS if isinstance(row.get(name), list)} or None
        for row in rows
    ]
    table = load_pairs(json_file(tmp_path, *rows)).table
    path = stored_by_earlier_versions(tmp_path, table, kept)

    for again in (read_pairs(path), load_pairs(path).table):
        assert again.conversations == table.conversations
        assert again.fingerprint == table.fingerprint
        assert "original_messages" not in again.extras.column_names


def test_a_prompt_that_an_earlier_version_doubled_stands_once_among_the_messages(
    tmp_path: Path,
) -> None:
    table = load_pairs(json_file(tmp_path, pair(chosen="At nine.", rejected="Ferries are boats.")))
    question = USER["content"]
    doubled = table_with_prompt(table.table, f"[user]: {question}\n\n[user]: {question}")
    kept = [{"chosen": [USER, NINE], "rejected": [USER, BOATS]}]
    path = stored_by_earlier_versions(tmp_path, doubled, kept)

    for again in (read_pairs(path), load_pairs(path).table):
        assert again.conversations == [Conversation((USER,), (NINE,), (BOATS,))]


def table_with_prompt(table: PairTable, prompt: str) -> PairTable:
    prompts = pa.array([prompt] * len(table), TEXT)
    return replace(table, texts=table.texts.set_column(0, "prompt", prompts))


def test_a_field_of_a_user_that_has_the_name_of_ours_stays_a_field(tmp_path: Path) -> None:
    rows = [pair(1, original_messages={"de": "Hallo"}), pair(2, original_messages=[1])]
    table = load_pairs(json_file(tmp_path, *rows)).table

    again = stored(table, tmp_path)

    assert again.conversations == [None, None]
    assert extra_rows(again.extras) == [
        {"original_messages": {"de": "Hallo"}},
        {"original_messages": [1]},
    ]


def test_messages_beside_texts_that_were_edited_are_not_believed(tmp_path: Path) -> None:
    kept = {"prompt": [USER], "chosen": [NINE], "rejected": [BOATS]}
    texts = {"prompt": USER["content"], "chosen": "At nine.", "rejected": "Ferries are boats."}
    rows = [texts, texts | {"chosen": "At ten."}, texts | {"rejected": None}]
    rows = [row | {"original_messages": kept} for row in rows]

    table = load_pairs(json_file(tmp_path, *rows)).table

    assert table.conversations == [Conversation((USER,), (NINE,), (BOATS,)), None]
    assert table.chosen == ["At nine.", "At ten."]


def test_no_pairs_at_all_come_back(tmp_path: Path) -> None:
    assert len(stored(table_of([]), tmp_path)) == 0


def test_a_stored_file_can_be_loaded_as_any_other(tmp_path: Path) -> None:
    table = table_of([(0.1, 0.2, -0.3, 0.4), UNSCORED])
    write_pairs(tmp_path / "pairs.parquet", table)

    loaded = load_pairs(tmp_path / "pairs.parquet")

    assert is_columnar(tmp_path / "pairs.parquet")
    assert loaded.table.fingerprint == table.fingerprint
    assert np.array_equal(loaded.table.scored, [True, False])


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.parquet", table_of([(0.1, 0.2, -0.3, 0.4)]))
    content = (tmp_path / "pairs.parquet").read_bytes()
    (tmp_path / "pairs.parquet").write_bytes(content[: len(content) // 2])

    with pytest.raises(DataError, match=r"pairs\.parquet is no file of stored pairs"):
        read_pairs(tmp_path / "pairs.parquet")
