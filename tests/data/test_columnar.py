"""What is kept of an upload is what was uploaded."""

import json
from pathlib import Path

import numpy as np
import pytest

from grice_core.data.columnar import is_columnar, read_pairs, write_pairs
from grice_core.data.export import write_json
from grice_core.data.load import load_pairs
from grice_core.data.pairs import PairTable
from grice_core.errors import DataError
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
