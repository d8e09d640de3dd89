"""The same pairs in every accepted format."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from grice_core.data.extras import extra_rows
from grice_core.data.load import load_pairs
from grice_core.data.messages import Conversation
from grice_core.data.source import Format, Limits
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS
from tests.data.files import GOOD, flat, json_lines_file, pair

Rows = list[dict[str, Any]]


def as_json(rows: Rows) -> bytes:
    return json.dumps(rows, indent=1).encode()


def as_json_lines(rows: Rows) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def as_csv(rows: Rows) -> bytes:
    """Scores as JSON objects in their cells."""
    return _csv(
        [{k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()} for row in rows]
    )


def as_flat_csv(rows: Rows) -> bytes:
    return _csv([flat(row) for row in rows])


def as_parquet(rows: Rows) -> bytes:
    return _parquet(rows)


def as_flat_parquet(rows: Rows) -> bytes:
    return _parquet([flat(row) for row in rows])


def _csv(rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(rows: Rows) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


WRITERS = {
    "json": (as_json, ".json", Format.JSON),
    "json lines": (as_json_lines, ".jsonl", Format.JSONL),
    "csv": (as_csv, ".csv", Format.CSV),
    "flat csv": (as_flat_csv, ".csv", Format.CSV),
    "parquet": (as_parquet, ".parquet", Format.PARQUET),
    "flat parquet": (as_flat_parquet, ".parquet", Format.PARQUET),
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("writer", WRITERS)
def test_pairs_are_the_same_in_every_format(writer: str, packing: str, tmp_path: Path) -> None:
    rows = [pair(1, prompt="two\nlines, “quoted”"), pair(2, chosen='say "é"', note="kept")]
    rows[0]["note"] = "kept too"
    write, suffix, fmt = WRITERS[writer]
    path = tmp_path / f"pairs{suffix}{packing}"
    path.write_bytes(PACKERS[packing](write(rows)))

    loaded = load_pairs(path)

    table = loaded.table
    assert loaded.report.problems == ()
    assert loaded.format is fmt
    assert loaded.notes == ()
    assert table.prompts == ["two\nlines, “quoted”", "prompt 2"]
    assert table.chosen == ["chosen 1", 'say "é"']
    assert table.chosen_scores.tolist() == [[GOOD[maxim] for maxim in MAXIMS]] * 2
    assert extra_rows(table.extras) == [{"note": "kept too"}, {"note": "kept"}]


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda text: text.strip() and "\x00" not in text
)
scores = st.fixed_dictionaries({maxim.value: st.floats(0, 1) for maxim in MAXIMS})
pairs = st.fixed_dictionaries(
    {
        "prompt": texts,
        "chosen": texts,
        "rejected": texts,
        "chosen_scores": scores,
        "rejected_scores": scores,
    }
)


@pytest.mark.parametrize("writer", WRITERS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(pairs, min_size=1, max_size=5))
def test_any_text_and_score_survives(writer: str, rows: Rows, tmp_path: Path) -> None:
    write, suffix, _ = WRITERS[writer]
    path = tmp_path / f"pairs{suffix}"
    path.write_bytes(write(rows))

    table = load_pairs(path).table

    assert table.prompts == [row["prompt"] for row in rows]
    assert table.chosen == [row["chosen"] for row in rows]
    assert table.rejected == [row["rejected"] for row in rows]
    for side, values in (("chosen", table.chosen_scores), ("rejected", table.rejected_scores)):
        expected = [[row[f"{side}_scores"][maxim] for maxim in MAXIMS] for row in rows]
        assert np.array_equal(values, np.array(expected))


def test_an_empty_csv_cell_is_no_value_and_text_no_number(tmp_path: Path) -> None:
    rows = [flat(pair(n)) for n in range(1, 6)]
    rows[1]["chosen"] = ""
    rows[2]["chosen_manner"] = ""
    rows[3]["chosen_manner"] = "low"
    rows[4] = {
        name: value if name in ("prompt", "chosen", "rejected") else ""
        for name, value in rows[4].items()
    }
    path = tmp_path / "pairs.csv"
    path.write_bytes(_csv(rows))

    loaded = load_pairs(path)

    found = {problem.code: problem.rows for problem in loaded.report.problems}
    assert found == {"empty_chosen": (2,), "missing_score": (3,), "score_not_a_number": (4,)}
    assert loaded.table.scored.tolist() == [True, False]


def test_a_csv_cell_that_is_no_score_object_is_of_a_wrong_type(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(_csv([pair(1, chosen_scores="none of them")]))

    (problem,) = load_pairs(path).report.problems

    assert problem.code == "score_wrong_type"


def test_parquet_columns_of_a_wrong_type_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    rows = [{**flat(pair(1)), "chosen": 5, "chosen_manner": True}]
    path.write_bytes(_parquet(rows))

    codes = [problem.code for problem in load_pairs(path).report.problems]

    assert codes == ["text_wrong_type", "score_wrong_type"]


def test_parquet_texts_may_be_categories_and_scores_half_precision(tmp_path: Path) -> None:
    table = pa.table(
        {
            **{
                name: pa.array([name]).dictionary_encode()
                for name in ("prompt", "chosen", "rejected")
            },
            **{
                f"{side}_{maxim}": pa.array([0.5], pa.float32())
                for side in ("chosen", "rejected")
                for maxim in MAXIMS
            },
        }
    )
    path = tmp_path / "pairs.parquet"
    parquet.write_table(table, path)

    loaded = load_pairs(path)

    assert loaded.table.prompts == ["prompt"]
    assert loaded.table.chosen_scores.tolist() == [[0.5] * 4]


def test_parquet_may_hold_conversations(tmp_path: Path) -> None:
    user, yes, no = ({"role": "user", "content": text} for text in ("Seen it?", "Yes.", "No."))
    path = tmp_path / "pairs.parquet"
    path.write_bytes(_parquet([{"chosen": [user, yes], "rejected": [user, no]}]))

    table = load_pairs(path).table

    assert (table.prompts, table.chosen, table.rejected) == (["Seen it?"], ["Yes."], ["No."])
    assert table.conversations == [Conversation((user,), (yes,), (no,))]


def test_a_nan_is_reported_at_its_row_in_json_and_json_lines(tmp_path: Path) -> None:
    rows = [pair(n) for n in range(1, 40)]
    rows[29]["chosen_scores"]["manner"] = float("nan")

    for write, name in ((as_json, "pairs.json"), (as_json_lines, "pairs.jsonl")):
        path = tmp_path / name
        path.write_bytes(write(rows))
        (problem,) = load_pairs(path).report.problems
        assert (problem.code, problem.rows) == ("score_not_a_number", (30,))


def test_blank_lines_are_no_rows_and_line_endings_and_marks_no_text(tmp_path: Path) -> None:
    lines = [json.dumps(pair(n)) for n in (1, 2)]
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(lines).encode() + b"\r\n \n")

    assert load_pairs(path).table.rows.tolist() == [1, 2]


def test_rows_are_numbered_across_batches(tmp_path: Path) -> None:
    rows = [pair(n, prompt="" if n % 50 == 0 else "p") for n in range(1, 201)]
    path = json_lines_file(tmp_path, *rows)

    # Reading goes in pieces no longer than a line may be.
    loaded = load_pairs(path, limits=Limits(max_line_bytes=1000))

    assert loaded.report.num_rows == 200
    assert loaded.report.problems[0].rows == (50, 100, 150, 200)


def test_csv_rows_of_any_length_up_to_the_limit(tmp_path: Path) -> None:
    longest = "a ferry, and\nthen another; " * 170_000  # more than is read at a time
    rows = [["prompt", "chosen", "rejected"]]
    rows += [[f"p {n}", longest if n == 30 else f'"a"\n{n}', f"b {n}"] for n in range(1, 51)]
    with (tmp_path / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)

    loaded = load_pairs(tmp_path / "pairs.csv")

    assert loaded.table.chosen == [row[1] for row in rows[1:]]
    assert loaded.table.rows.tolist() == list(range(1, 51))


def test_a_ragged_csv_row_behind_a_long_one_has_its_own_number(tmp_path: Path) -> None:
    lines = ["prompt,chosen,rejected", "p,a,b", f"p,{'x' * 5_000_000},b", "p,a,b", "p,a"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines))

    with pytest.raises(DataError, match="row 4 has 2 cells where the header has 3"):
        load_pairs(tmp_path / "pairs.csv")


@pytest.mark.parametrize(
    ("name", "content", "fmt", "note"),
    [
        (
            "pairs.json",
            as_json_lines([pair(1), pair(2)]),
            Format.JSONL,
            "holds JSON Lines, not JSON;",
        ),
        ("pairs.jsonl", as_json([pair(1)]), Format.JSON, "holds JSON, not JSON Lines;"),
        ("pairs.csv", as_parquet([pair(1)]), Format.PARQUET, "holds Parquet, not CSV;"),
        (
            "pairs.json",
            gzip.compress(as_json([pair(1)]), mtime=0),
            Format.JSON,
            "is gzip-compressed",
        ),
        ("pairs.json.gz", as_json([pair(1)]), Format.JSON, "is not compressed"),
    ],
)
def test_a_name_that_does_not_fit_the_content_is_remarked_upon(
    name: str, content: bytes, fmt: Format, note: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    loaded = load_pairs(path)

    assert loaded.format is fmt
    assert [found for found in loaded.notes if note in found] == list(loaded.notes) != []


def test_content_tells_the_format_where_the_name_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(as_json([pair(1)]))

    loaded = load_pairs(path)

    assert loaded.format is Format.JSON
    assert loaded.notes == ()


def test_a_csv_row_that_is_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    long = "x" * 5_000_000
    path = tmp_path / "pairs.csv"
    rows = [f"p{n},{long if n == 50_000 else 'a'},b" for n in range(1, 60_001)]
    path.write_text("prompt,chosen,rejected\n" + "\n".join(rows) + "\n")

    table = load_pairs(path).table

    assert table.rows.tolist() == list(range(1, 60_001))
    assert table.prompts == [f"p{n}" for n in range(1, 60_001)]
    assert len(table.chosen[49_999]) == len(long)


def test_a_frame_to_be_skipped_may_come_before_the_others(tmp_path: Path) -> None:
    frame = pa.compress(b'{"prompt": "p", "chosen": "a", "rejected": "b"}\n', "zstd", asbytes=True)
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    path = tmp_path / "pairs.jsonl.zst"
    path.write_bytes(skipped + frame)
    assert load_pairs(path).table.chosen == ["a"]
