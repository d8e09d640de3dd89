"""Files whose shape asks for more work than their bytes: refused in one sentence, before the work."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from grice_core.data.load import load_pairs
from grice_core.data.readers.arrow_rows import BATCH_BYTES
from grice_core.data.readers.json_file import read_json_lines
from grice_core.data.readers.parquet_file import read_parquet
from grice_core.data.sniff import inspect
from grice_core.data.source import DEFAULT_LIMITS, Limits
from grice_core.errors import DataError
from grice_core.progress import silent
from tests.data.files import json_file, json_lines_file, pair

TEXTS = {"prompt": ["p", "q", "r"], "chosen": ["a"] * 3, "rejected": ["b"] * 3}
FEW_UNUSABLE = Limits(max_unusable=1000)
LONE = "\ud800"


def refusal(path: Path, limits: Limits = DEFAULT_LIMITS) -> str:
    """What is said about it; saying it must be possible anywhere."""
    with pytest.raises(DataError) as error:
        load_pairs(path, limits=limits)
    message = str(error.value)
    assert "\n" not in message
    message.encode()
    return message


def parquet_file(folder: Path, **columns: Any) -> Path:
    parquet.write_table(pa.table({**TEXTS, **columns}), folder / "a.parquet")
    return folder / "a.parquet"


def not_utf8() -> pa.Array:
    return pa.Array.from_buffers(pa.string(), 3, pa.array([b"fine", b"\xc3(", b"\xff"]).buffers())


def test_a_csv_of_fifty_thousand_columns(tmp_path: Path) -> None:
    names = [*TEXTS, *(f"column_{number}" for number in range(50_000))]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n" + "x," * (len(names) - 1) + "x\n")

    assert "a.csv has more than 1,000 different fields" in refusal(tmp_path / "a.csv")


def test_a_header_of_commas(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("," * 1_000_000 + "\n")

    assert "more than 1,000 different fields" in refusal(tmp_path / "a.csv")


def test_parquet_with_thousands_of_score_keys(tmp_path: Path) -> None:
    scores = {f"key_{number}": 0.5 for number in range(5000)}

    message = refusal(parquet_file(tmp_path, chosen_scores=[scores] * 3))

    assert "more than 1,000 different fields, those inside objects included" in message


def test_rows_of_which_each_has_a_key_of_its_own(tmp_path: Path) -> None:
    rows = (pair(n, **{f"key {n % 990}": 1}) for n in range(6000))

    assert "993 different fields, of which a row has" in refusal(
        json_lines_file(tmp_path, *(without_scores(row) for row in rows))
    )


def test_scores_of_which_each_has_a_key_of_its_own(tmp_path: Path) -> None:
    rows = [pair(n, chosen_scores={f"key {n % 990}": 1}) for n in range(6000)]

    assert "an object of scores has 990 different fields" in refusal(
        json_lines_file(tmp_path, *rows)
    )


def test_a_hundred_optional_fields_are_fine(tmp_path: Path) -> None:
    rows = [without_scores(pair(n, **{f"key {n % 100}": n})) for n in range(1000)]

    assert len(load_pairs(json_lines_file(tmp_path, *rows)).table) == 1000


def without_scores(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith("_scores")}


@pytest.mark.parametrize(
    "content",
    [b"{}\n" * 2000, b"[" + b"1," * 2000 + b"1]", b"[" + b"[]," * 2000 + b"{}]"],
    ids=["empty objects", "numbers", "lists"],
)
def test_many_rows_of_nothing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / ("a.json" if content.startswith(b"[") else "a.jsonl")
    path.write_bytes(content)

    assert "holds no objects with fields" in refusal(path, FEW_UNUSABLE)


def test_many_rows_without_a_text(tmp_path: Path) -> None:
    row = json.dumps({"prompt": "p", "chosen": "a", "rejected": ""}) + "\n"
    (tmp_path / "a.jsonl").write_text(json.dumps(pair()) + "\n" + row * 2000)

    message = refusal(tmp_path / "a.jsonl", FEW_UNUSABLE)

    assert "has hardly a row that can be used: in 2,000 of the first 2,001" in message
    assert "rejected is missing or empty" in message


def test_nested_values_are_parsed_a_few_at_a_time(tmp_path: Path) -> None:
    nested = '{"prompt": "p", "x": ' + "[" * 100 + "]" * 100 + "}\n"
    (tmp_path / "a.jsonl").write_text(nested * 4000)

    batches = list(read_json_lines(inspect(tmp_path / "a.jsonl"), silent))

    assert sum(batch.num_rows for batch in batches) == 4000
    assert max(batch.num_rows for batch in batches) * 100 <= 100_000


def test_a_few_bytes_of_parquet_that_stand_for_millions_of_rows(tmp_path: Path) -> None:
    many = pa.array(["x"]).take(pa.array([0] * 200_000))
    parquet.write_table(pa.table(dict.fromkeys(TEXTS, many)), tmp_path / "a.parquet")

    message = refusal(tmp_path / "a.parquet", Limits(ratio_from_bytes=2**20))

    assert "more than 300 times its size" in message


@pytest.mark.parametrize("encoding", ["dictionary", "DELTA_BYTE_ARRAY"])
def test_a_long_text_that_stands_in_few_bytes_of_parquet_a_thousand_times(
    encoding: str, tmp_path: Path
) -> None:
    many = pa.array(["x" * 2**18]).take(pa.array([0] * 200))
    short = pa.array(["x"] * 200)
    table = pa.table({"prompt": short, "chosen": many, "rejected": short})
    how = {} if encoding == "dictionary" else {"column_encoding": {"chosen": encoding}}
    parquet.write_table(table, tmp_path / "a.parquet", use_dictionary=not how, **how)
    everything = Limits(max_ratio=10**9)

    batches = list(read_parquet(inspect(tmp_path / "a.parquet", everything), silent))

    assert sum(batch.num_rows for batch in batches) == 200
    assert max(batch.columns["chosen"].nbytes for batch in batches) < 2 * BATCH_BYTES
    assert "more than 300 times its size" in refusal(tmp_path / "a.parquet")


@pytest.mark.parametrize("column", [*TEXTS, "note", "chosen_scores"])
def test_parquet_text_that_is_not_utf8(column: str, tmp_path: Path) -> None:
    message = refusal(parquet_file(tmp_path, **{column: not_utf8()}))

    assert f"row 2 has text in the column '{column}' that is not UTF-8" in message


def test_parquet_messages_that_are_not_utf8(tmp_path: Path) -> None:
    turns = pa.StructArray.from_arrays([pa.array(["user"] * 3), not_utf8()], ["role", "content"])
    prompt = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), turns)

    assert "row 2 has text in the column 'prompt'" in refusal(parquet_file(tmp_path, prompt=prompt))


@pytest.mark.parametrize("row", [pair(**{LONE: 1}), pair(chosen_scores={LONE: 1}), {LONE: 1}])
def test_a_field_named_by_half_a_character(row: dict[str, Any], tmp_path: Path) -> None:
    assert r"a field named '\ud800', which holds half of a character" in refusal(
        json_file(tmp_path, row)
    )


def test_messages_with_half_a_character_are_an_error_of_their_row(tmp_path: Path) -> None:
    said = [{"role": "user", "content": LONE}]
    named = [{"role": "user", "content": "p", LONE: 1}]
    path = json_file(tmp_path, pair(), pair(prompt=said), pair(prompt=named))

    loaded = load_pairs(path)

    assert loaded.table.rows.tolist() == [1, 3]
    assert [(found.code, found.rows) for found in loaded.report.errors] == [
        ("text_malformed", (2,))
    ]


def test_a_cell_that_only_looks_like_messages(tmp_path: Path) -> None:
    cell = "[{'role': {{}}}]"
    (tmp_path / "a.csv").write_text(f'prompt,chosen,rejected\n"{cell}",a,b\n')

    assert load_pairs(tmp_path / "a.csv").report.errors[0].code == "messages_unreadable"


def test_a_number_of_thousands_of_digits(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": ' + "9" * 5000 + "}\n")

    assert "line 1 is not valid JSON (it holds a number of thousands of digits)" in refusal(
        tmp_path / "a.jsonl"
    )


def test_zstd_frames_as_any_program_may_write_them(tmp_path: Path) -> None:
    first, second = (json.dumps(pair(n)).encode() + b"\n" for n in (1, 2))
    skipped = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    long = zstandard.ZstdCompressionParameters.from_level(3, window_log=30, enable_ldm=True)
    far = zstandard.ZstdCompressor(compression_params=long).compressobj()
    frames = [skipped, zstandard.compress(first), skipped, far.compress(second) + far.flush()]
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(b"".join(frames) + skipped)

    assert load_pairs(path).table.prompts == ["prompt 1", "prompt 2"]

    path.write_bytes((b"".join(frames))[:-3])
    assert "can't be unpacked" in refusal(path)
    path.write_bytes((b"".join(frames) + skipped)[:-1])
    assert "can't be unpacked" in refusal(path)


def test_blank_space_before_the_rows(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n" * 200_000 + json.dumps(pair()) + "\n")

    assert len(load_pairs(tmp_path / "a.jsonl").table) == 1
