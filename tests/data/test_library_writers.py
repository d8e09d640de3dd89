"""Random pairs, written by the libraries that people use, are read back equal.

pandas and pyarrow are always there; DuckDB, polars, `datasets`, fastparquet and openpyxl are tried where they are installed.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyarrow import csv, feather, parquet

from grice_core.data.load import load_pairs
from grice_core.maxims import MAXIMS
from tests.data.files import flat

ROUNDED = {
    "pandas.json": 1e-15,
    "pandas.jsonl": 1e-15,
    "datasets.jsonl": 1e-10,
    "openpyxl.xlsx": 1e-15,
}
"""How far these writers round."""

Rows = list[dict[str, Any]]

# A carriage return alone is left unquoted by Python's csv before 3.13, and so by pandas.
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=20
).filter(str.strip)
scores = st.fixed_dictionaries({maxim.value: st.floats(0, 1) for maxim in MAXIMS})


def pairs_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Rows]:
    """A few scored pairs."""
    pair = st.fixed_dictionaries(
        dict.fromkeys(("prompt", "chosen", "rejected"), texts)
        | dict.fromkeys(("chosen_scores", "rejected_scores"), scores)
    )
    return st.lists(pair, min_size=1, max_size=4)


pairs = pairs_of(texts)
# No workbook can hold control characters, and what begins with "=" is a formula there.
cells = (
    st.text(
        st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" "), max_size=20
    )
    .map(str.strip)
    .filter(lambda text: text and text[0] != "=")
)
few = settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def frame(rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(list(map(flat, rows)))


def table(rows: Rows) -> pa.Table:
    return pa.Table.from_pylist(list(map(flat, rows)))


def nested(rows: Rows) -> pa.Table:
    return pa.Table.from_pylist(rows)


ALWAYS: dict[str, Callable[[Rows, Path], object]] = {
    "pandas.csv": lambda rows, path: frame(rows).to_csv(path, index=False),
    "pandas semicolons.csv": lambda rows, path: frame(rows).to_csv(
        path, index=False, sep=";", decimal=","
    ),
    "pandas.tsv": lambda rows, path: frame(rows).to_csv(path, index=False, sep="\t"),
    "pandas normalised.csv": lambda rows, path: pd.json_normalize(rows, sep="/").to_csv(
        path, index=False
    ),
    "pandas packed.csv.gz": lambda rows, path: frame(rows).to_csv(path, index=False),
    "pandas.json": lambda rows, path: pd.DataFrame(rows).to_json(
        path, orient="records", double_precision=15
    ),
    "pandas.jsonl": lambda rows, path: pd.DataFrame(rows).to_json(
        path, orient="records", lines=True, double_precision=15
    ),
    "pandas.parquet": lambda rows, path: pd.DataFrame(rows).to_parquet(path),
    "pandas.feather": lambda rows, path: frame(rows).to_feather(path),
    "pyarrow.csv": lambda rows, path: csv.write_csv(table(rows), path),
    "pyarrow.parquet": lambda rows, path: parquet.write_table(
        nested(rows), path, version="1.0", compression="gzip", row_group_size=2
    ),
    "pyarrow delta.parquet": lambda rows, path: parquet.write_table(
        table(rows), path, use_dictionary=False, column_encoding="PLAIN", data_page_version="2.0"
    ),
    "pyarrow.feather": lambda rows, path: feather.write_feather(nested(rows), str(path)),
}


def polars(rows: Rows) -> Any:
    return __import__("polars").DataFrame(list(map(flat, rows)))


def fastparquet(rows: Rows, path: Path) -> None:
    __import__("fastparquet").write(str(path), frame(rows))


def duckdb(rows: Rows, path: Path) -> None:
    connection = __import__("duckdb").connect()
    connection.register("pairs", table(rows))
    connection.execute(f"COPY pairs TO '{path}'")


def dataset(rows: Rows) -> Any:
    return __import__("datasets").Dataset.from_list(rows)


INSTALLED: dict[str, dict[str, Callable[[Rows, Path], object]]] = {
    "polars": {
        "polars.csv": lambda rows, path: polars(rows).write_csv(path),
        "polars.parquet": lambda rows, path: polars(rows).write_parquet(path),
        "polars.ndjson": lambda rows, path: polars(rows).write_ndjson(path),
        "polars.arrow": lambda rows, path: polars(rows).write_ipc(path, compression="zstd"),
    },
    "duckdb": {"duckdb.csv": duckdb, "duckdb.parquet": duckdb, "duckdb.json": duckdb},
    "fastparquet": {"fastparquet.parquet": fastparquet},
    "datasets": {
        "datasets.csv": lambda rows, path: dataset(rows).to_csv(path),
        "datasets.jsonl": lambda rows, path: dataset(rows).to_json(path),
        "datasets.parquet": lambda rows, path: dataset(rows).to_parquet(path),
        "datasets saved": lambda rows, path: dataset(rows).save_to_disk(path),
    },
}


def assert_reads_back(
    rows: Rows, writers: dict[str, Callable[[Rows, Path], object]], folder: Path
) -> None:
    for name, write in writers.items():
        write(rows, folder / name)
        assert_is_read_back(rows, folder / name)


def assert_is_read_back(rows: Rows, path: Path) -> None:
    found, name = load_pairs(path).table, path.name
    for field in ("prompt", "chosen", "rejected"):
        assert found.texts.column(field).to_pylist() == [row[field] for row in rows], name
    for side, values in (("chosen", found.chosen_scores), ("rejected", found.rejected_scores)):
        expected = [[row[f"{side}_scores"][maxim] for maxim in MAXIMS] for row in rows]
        tolerance = ROUNDED.get(name, 0)
        np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance, err_msg=name)


@few
@given(rows=pairs)
def test_pandas_and_pyarrow(rows: Rows, tmp_path: Path) -> None:
    assert_reads_back(rows, ALWAYS, tmp_path)


@pytest.mark.parametrize("library", INSTALLED)
@few
@given(rows=pairs)
def test_other_libraries(library: str, rows: Rows, tmp_path: Path) -> None:
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    assert_reads_back(rows, INSTALLED[library], tmp_path)


@few
@given(rows=pairs_of(cells))
def test_openpyxl(rows: Rows, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "openpyxl.xlsx"
    frame(rows).to_excel(path, index=False)
    assert_is_read_back(rows, path)
