"""Files as other programs write them: text that is data, other delimiters, names, numbers and wrappers."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from grice_core.data.load import LoadedPairs, load_pairs
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS
from tests.data.files import BAD, GOOD, flat, pair

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1).filter(str.strip)


def messages(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]


def conversational(
    prompt: str = "Who?", chosen: str = "I.", rejected: str = "No, it's me."
) -> dict:
    return {
        "prompt": messages("user", prompt),
        "chosen": messages("assistant", chosen),
        "rejected": messages("assistant", rejected),
    }


def csv_of(*rows: dict, **dialect: str) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def loaded(folder: Path, name: str, content: bytes) -> LoadedPairs:
    path = folder / name
    path.write_bytes(content)
    return load_pairs(path)


def texts(found: LoadedPairs) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for row in found.table.texts.to_pylist()]


NOTATIONS = {"JSON": json.dumps, "Python": repr}


@pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
@settings(deadline=None)
@given(parts=st.tuples(TEXTS, TEXTS, TEXTS))
def test_messages_written_into_cells_are_messages(notation, parts, tmp_path_factory) -> None:
    row = conversational(*parts)
    written = {name: notation(value) for name, value in row.items()}
    folder = tmp_path_factory.mktemp("cells")
    found = loaded(folder, "cells.csv", csv_of(written))
    plain = loaded(folder, "plain.jsonl", json.dumps(row).encode())
    assert texts(found) == texts(plain)
    assert found.table.messages == plain.table.messages


@pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
def test_objects_of_scores_written_into_cells_are_scores(notation, tmp_path: Path) -> None:
    row = pair() | {name: notation(pair()[name]) for name in ("chosen_scores", "rejected_scores")}
    found = loaded(tmp_path, "pairs.csv", csv_of(row))
    assert found.table.chosen_scores.tolist() == [[GOOD[maxim] for maxim in MAXIMS]]


def test_messages_as_numpy_prints_them_are_refused_with_the_way_on(tmp_path: Path) -> None:
    printed = str(np.array(messages("user", "Who?") * 2, dtype=object))
    row = conversational() | {"prompt": printed}
    readable = {
        name: value if value is printed else json.dumps(value) for name, value in row.items()
    }
    (problem,) = loaded(tmp_path, "pairs.csv", csv_of(readable)).report.problems
    assert (problem.code, problem.rows) == ("messages_unreadable", (1,))
    assert "json.dumps" in problem.fix


@pytest.mark.parametrize(
    "text",
    [
        "[{...}] is how JSON lists begin",
        "[{'role' of a comma",
        '[{"name": "a list, but of no messages"}]',
        "[1, 2]",
        "[" * 500,
    ],
)
def test_text_that_only_looks_like_messages_stays_text(text: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, "pairs.csv", csv_of({"prompt": text, "chosen": "a", "rejected": "b"}))
    if "'role'" in text:  # named keys, yet not readable: said rather than guessed
        assert [problem.code for problem in found.report.problems] == ["messages_unreadable"]
    else:
        assert texts(found) == [(text, "a", "b")]


@pytest.mark.parametrize("storage", [pa.string(), pa.large_string()], ids=str)
def test_json_columns_of_parquet_are_what_they_hold(storage: pa.DataType, tmp_path: Path) -> None:
    row = conversational() | {"chosen_scores": GOOD, "rejected_scores": BAD}
    columns = {name: pa.array([json.dumps(value)], storage) for name, value in row.items()}
    table = pa.table({name: column.cast(pa.json_(storage)) for name, column in columns.items()})
    parquet.write_table(table, tmp_path / "pairs.parquet", store_schema=True)
    found = load_pairs(tmp_path / "pairs.parquet")
    assert texts(found) == [("Who?", "I.", "No, it's me.")]
    assert found.table.scored.all()


def test_parquet_in_delta_encodings_is_read(tmp_path: Path) -> None:
    rows = [flat(pair(number)) for number in range(3)]
    encodings = dict.fromkeys(("prompt", "chosen", "rejected"), "DELTA_LENGTH_BYTE_ARRAY")
    parquet.write_table(
        pa.Table.from_pylist(rows),
        tmp_path / "v2.parquet",
        use_dictionary=False,
        column_encoding=encodings,
    )
    assert len(load_pairs(tmp_path / "v2.parquet").table) == 3


@pytest.mark.parametrize(
    ("name", "delimiter"), [("pairs.csv", ";"), ("pairs.csv", "\t"), ("pairs.tsv", "\t")]
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
def test_semicolons_tabs_and_decimal_commas_are_read(name, delimiter, mark, tmp_path: Path) -> None:
    row = {
        key: str(value).replace(".", ",") if isinstance(value, float) else value
        for key, value in flat(pair()).items()
    }
    found = loaded(tmp_path, name, mark + csv_of(row, delimiter=delimiter))
    assert found.table.chosen_scores.tolist() == [[GOOD[maxim] for maxim in MAXIMS]]


def test_a_ragged_row_is_explained_by_the_files_own_delimiter(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 1 has 4 cells .*quote cells that hold semicolons"):
        loaded(tmp_path, "pairs.csv", b"prompt;chosen;rejected\na;b;c;d\n")


@pytest.mark.parametrize("joint", ["_", ".", "/", "__"])
@pytest.mark.parametrize("case", [str, str.title, str.upper])
def test_flat_scores_are_known_by_any_spelling(joint, case, tmp_path: Path) -> None:
    row = {name: value for name, value in pair().items() if not name.endswith("_scores")}
    for side, scores in (("chosen", GOOD), ("rejected", BAD)):
        row |= {case(f"{side}_scores{joint}{maxim}"): scores[maxim] for maxim in MAXIMS}
    found = loaded(tmp_path, "pairs.json", json.dumps([row]).encode())
    assert found.table.rejected_scores.tolist() == [[BAD[maxim] for maxim in MAXIMS]]


def test_keys_of_score_objects_are_known_in_capitals(tmp_path: Path) -> None:
    rows = [pair(chosen_scores={maxim.title(): GOOD[maxim] for maxim in MAXIMS})]
    assert loaded(tmp_path, "pairs.json", json.dumps(rows).encode()).table.scored.all()
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "pairs.parquet")
    assert load_pairs(tmp_path / "pairs.parquet").table.scored.all()


def test_scores_written_as_text_are_numbers_in_every_format(tmp_path: Path) -> None:
    rows = [pair(chosen_scores={maxim: str(GOOD[maxim]) for maxim in MAXIMS})]
    assert loaded(tmp_path, "pairs.json", json.dumps(rows).encode()).table.scored.all()
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "pairs.parquet")
    assert load_pairs(tmp_path / "pairs.parquet").table.scored.all()


@pytest.mark.parametrize("score", [1.00000012, -1e-9])
def test_what_rounding_pushed_out_of_range_is_moved_back_and_counted(score, tmp_path: Path) -> None:
    rows = [pair(1), pair(2, chosen_scores=GOOD | {"manner": score})]
    found = loaded(tmp_path, "pairs.json", json.dumps(rows).encode())
    assert found.table.chosen_scores[1, -1] == float(score > 0.5)
    assert [(problem.code, problem.rows) for problem in found.report.problems] == [
        ("score_rounded", (2,))
    ]


@pytest.mark.parametrize(
    ("content", "num_rows"),
    [
        (json.dumps(pair()), 1),
        (json.dumps(pair(), indent=2), 1),
        ("\n".join(json.dumps(pair(number), indent=2) for number in range(3)), 3),
        (json.dumps({"data": [pair(1), pair(2)]}), 2),
        (json.dumps({"version": "1", "train": [pair(1)], "licence": "own"}), 1),
    ],
    ids=["one line", "one object", "several objects", "data", "train"],
)
def test_objects_in_a_json_file_are_rows(content, num_rows, tmp_path: Path) -> None:
    assert len(loaded(tmp_path, "pairs.json", content.encode()).table) == num_rows


def test_several_lists_in_one_object_are_named(tmp_path: Path) -> None:
    content = json.dumps({"train": [pair(1)], "test": [pair(2)]}).encode()
    with pytest.raises(DataError, match="it has 'train', 'test': keep one of them"):
        loaded(tmp_path, "pairs.json", content)


@pytest.mark.parametrize("write", [json.dumps, repr])
def test_scores_that_stand_in_json_lines_as_text(write, tmp_path: Path) -> None:
    row = pair(chosen_scores=write(GOOD), rejected_scores=write(BAD))
    (tmp_path / "pairs.jsonl").write_text(json.dumps(row) + "\n")

    loaded = load_pairs(tmp_path / "pairs.jsonl")

    assert loaded.table.chosen_scores.tolist() == [list(GOOD.values())]
    assert loaded.report.num_scored == 1


@pytest.mark.parametrize("orient", ["columns", "index", "split", "table", "records"])
def test_data_frames_as_pandas_writes_them(orient, tmp_path: Path) -> None:
    rows = [flat(pair(n)) for n in range(12)]
    pd.DataFrame(rows).to_json(tmp_path / "pairs.json", orient=orient)

    table = load_pairs(tmp_path / "pairs.json").table

    assert table.prompts == [row["prompt"] for row in rows]
    assert table.chosen_scores.tolist() == [list(GOOD.values())] * 12


def test_messages_that_have_the_same_keys_are_no_data_frame(tmp_path: Path) -> None:
    row = {"prompt": {"role": "user", "content": "p"}}
    row |= {side: {"role": "assistant", "content": side} for side in ("chosen", "rejected")}
    (tmp_path / "pairs.json").write_text(json.dumps(row))

    assert load_pairs(tmp_path / "pairs.json").table.chosen == ["chosen"]


def test_vertical_bars_separate_cells(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("prompt|chosen|rejected\np, q|a|b\n")

    assert load_pairs(tmp_path / "pairs.csv").table.prompts == ["p, q"]
