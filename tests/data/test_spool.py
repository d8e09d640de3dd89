import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from grice_core.data.json_column import json_array
from grice_core.data.spool import Spool

TABLES = [
    pa.table({"text": pa.array(["ferry", "", "Zähler"], pa.large_string()), "n": [1, 2, None]}),
    pa.table({"text": pa.array([], pa.large_string())}),
    pa.table({"other": json_array([{"a": [1]}, None]), "nothing": pa.nulls(2)}),
    pa.table({"text": pa.array(["x"] * 5).slice(2, 2)}),
]


@pytest.mark.parametrize("in_memory_bytes", [0, TABLES[0].nbytes, 2**30])
def test_tables_come_back_as_they_were_and_in_order(in_memory_bytes: int) -> None:
    with Spool(in_memory_bytes) as spool:
        for table in TABLES:
            spool.add(table)
        found = spool.tables()

    assert [table.schema for table in found] == [table.schema for table in TABLES]
    assert [table.to_pydict() for table in found] == [table.to_pydict() for table in TABLES]


def test_nothing_was_put_aside() -> None:
    with Spool() as spool:
        assert spool.tables() == []


def test_what_was_put_aside_takes_no_memory_of_arrows() -> None:
    before = pa.total_allocated_bytes()
    with Spool(in_memory_bytes=0) as spool:
        spool.add(pa.table({"text": pa.array(["x" * 2**20])}))
        table = spool.tables()[0]

    assert pa.total_allocated_bytes() - before < 2**16
    assert table.column("text").to_pylist() == ["x" * 2**20]


def test_a_full_disk_leaves_tables_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("a device that is always full is Linux's")

    def full(**_: Any) -> Any:
        return os.fdopen(os.open("/dev/full", os.O_RDWR), "r+b")

    monkeypatch.setattr("grice_core.data.spool.TemporaryFile", full)
    with Spool(in_memory_bytes=0) as spool:
        for table in TABLES:
            spool.add(table)
        found = spool.tables()

    assert [table.to_pydict() for table in found] == [table.to_pydict() for table in TABLES]
