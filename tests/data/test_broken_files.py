"""Files that are not what they say: one clear sentence each."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from grice_core.data.load import load_pairs
from grice_core.data.source import DEFAULT_LIMITS, Limits
from grice_core.errors import DataError
from tests.data.files import pair

HEADER = b"prompt,chosen,rejected\n"


def refusal(path: Path, content: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """What is said about a file with this content."""
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        load_pairs(path, limits=limits)
    message = str(error.value)
    assert "\n" not in message
    return message


def parquet_bytes(**columns: list[object]) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.json", b"", "a.json is empty (0 bytes)"),
        ("a.json", b" \n ", "a.json holds nothing but white space"),
        ("a.json", b"[]", "a.json holds no rows"),
        ("a.csv", HEADER, "a.csv holds no rows"),
        ("a.csv", HEADER.strip(), "a.csv holds no rows"),
        ("a.json", b'{"data": []}', "holds one JSON object, not a list"),
        ("a.json", b'{\n  "a": {},\n  "b": {}\n}', "holds one JSON object, not a list"),
        ("a.json", b"prompt", "is not JSON, though its name says so: it starts with 'prompt'"),
        ("a.json", b'[{"prompt": "x"', "is not valid JSON ("),
        ("a.json", b"[1, 2", "copy the file again if it is cut off"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        (
            "a.jsonl",
            b'{"a": 1}\n{"a": \n',
            "line 2 is not valid JSON (Expecting value at column 7)",
        ),
        ("a.json", b'[{"extra": ' + b"[" * 1000 + b"]" * 1000 + b"}]", "nested too deeply"),
        ("a.json", b'[{"prompt":\n"\xff"}]', "not UTF-8 at byte 13 (line 2)"),
        ("a.jsonl", b'{"a": 1}\n\n{"a": "\xff"}\n', "not UTF-8 at byte 17 (line 3)"),
        ("a.csv", HEADER + b"a,b,c\na,\xc3(,c\n", "not UTF-8 at byte 31 (line 3)"),
        ("a.csv", b"prompt,\xff\n", "not UTF-8 at byte 7 (line 1)"),
        ("a.csv", "prompt,é\n".encode("utf-16"), "is UTF-16 text"),
        ("a.csv", HEADER + b"a,b,c\nd,e\n", "row 2 has 2 cells where the header has 3"),
        ("a.csv", HEADER + b'a,"b,c\nd,e,f\n', "row that starts in line 2 is not closed"),
        ("a.csv", b"prompt,cho\rsen,rejected\na,b,c\n", "stray carriage return in its header"),
        ("a.csv", b'"pro\nmpt",chosen,rejected\na,b,c\n', "a header that is not one line"),
        ("a.csv", b"\n" + HEADER + b"a,b,c\n", "a header that is not one line"),
        ("a.csv", b"prompt,chosen,chosen\na,b,c\n", "two columns named 'chosen'"),
        ("a.parquet", b"PAR1 and no more", "is not a complete Parquet file"),
        ("a.parquet", b"[1]", "holds no objects with fields"),
        ("a.parquet", b"abc", "is not Parquet, though its name says so"),
        ("a.xlsx", b"PK\x03\x04abc", "is not a complete Excel file"),
        ("a.zip", b"PK\x03\x04abc", "is a ZIP archive, but no Excel file; unpack it"),
        ("a.xls", b"\xd0\xcf\x11\xe0abc", "is an Excel file of the old kind"),
        ("a.arrow", b"ARROW1\0\0 and no more", "is not a complete Arrow file"),
        ("a.json", b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        ("a.doc", b"some text", "is of no kind that we know"),
        ("a.json.gz", gzip.compress(b"[1, 2, 3]", mtime=0)[:-6], "can't be unpacked"),
        ("a.json.zst", zstandard.compress(b"[1, 2, 3]")[:-2], "can't be unpacked"),
        ("a.json.gz", b"\x1f\x8bnonsense", "can't be unpacked"),
    ],
)
def test_a_broken_file_gets_one_clear_sentence(
    name: str, content: bytes, sentence: str, tmp_path: Path
) -> None:
    assert sentence in refusal(tmp_path / name, content)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json does not exist"):
        load_pairs(tmp_path / "none.json")
    with pytest.raises(DataError, match="is a folder without data files"):
        load_pairs(tmp_path)


def test_a_parquet_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = parquet_bytes(prompt=["p"] * 100, chosen=["a"] * 100, rejected=["b"] * 100)

    for length in range(4, len(whole), 97):
        assert refusal(tmp_path / "a.parquet", whole[:length]).startswith("a.parquet ")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("name", ["bomb.jsonl", "bomb.csv", "bomb.json"])
def test_a_decompression_bomb_is_refused(name: str, pack: object, tmp_path: Path) -> None:
    assert callable(pack)
    limits = Limits(ratio_from_bytes=2**20)
    rows = {
        "bomb.jsonl": b'{"prompt": "p", "chosen": "a", "rejected": "b"}\n' * 100_000,
        "bomb.csv": HEADER + b"p,a,b\n" * 1_000_000,
        "bomb.json": b"[" + b" " * 5_000_000 + b"]",
    }
    suffix = ".gz" if pack is gzip.compress else ".zst"

    message = refusal(tmp_path / (name + suffix), pack(rows[name]), limits)

    assert "unpacks to more than 300 times its size" in message


def test_what_is_larger_than_the_limits_is_refused(tmp_path: Path) -> None:
    rows = [pair(n) for n in range(50)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    document = json.dumps(rows).encode()

    assert "unpacks to more than 1.95 KiB" in refusal(
        tmp_path / "a.jsonl", lines, Limits(max_bytes=2000)
    )
    for name, content in (("a.json", document), ("a.json.gz", gzip.compress(document))):
        assert "holds more than 1000 bytes in one piece" in refusal(
            tmp_path / name, content, Limits(max_document_bytes=1000)
        )


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_an_endless_line_is_refused(name: str, tmp_path: Path) -> None:
    content = {"a.jsonl": b'{"prompt": "', "a.csv": HEADER + b"a,b,"}[name] + b"x" * 5000

    assert "of more than 1000 bytes" in refusal(
        tmp_path / name, content, Limits(max_line_bytes=1000)
    )


def test_a_small_parquet_file_of_huge_content_is_refused_before_it_takes_memory(
    tmp_path: Path,
) -> None:
    same = ["x" * 100_000] * 1000
    content = parquet_bytes(prompt=same, chosen=same, rejected=same)
    assert len(content) < 2_000_000

    message = refusal(
        tmp_path / "a.parquet", content, Limits(max_bytes=50_000_000, max_ratio=10**6)
    )

    assert "unpacks to more than 47.7 MiB" in message


def test_keys_that_are_no_fields_are_refused_before_they_become_columns(tmp_path: Path) -> None:
    rows = [pair(n, **{f"key {n}": n}) for n in range(2000)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    scores = json.dumps([pair(1, chosen_scores={f"key {n}": n for n in range(2000)})]).encode()

    few_at_a_time = Limits(max_line_bytes=10_000)

    assert "more than 1,000 different fields" in refusal(tmp_path / "a.jsonl", lines)
    assert "more than 1,000 different fields" in refusal(tmp_path / "a.jsonl", lines, few_at_a_time)
    assert "more than 1,000 different fields" in refusal(tmp_path / "a.json", scores)
