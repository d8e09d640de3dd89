"""Folders, shards, patterns, workbooks and addresses."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from grice_core.data.extras import extra_rows
from grice_core.data.load import load_pairs, load_prompts
from grice_core.data.places import find
from grice_core.data.source import Format, Limits
from grice_core.errors import DataError
from tests.data.files import flat, json_lines_file, pair

ROWS = [pair(number) for number in range(1, 5)]
TABLE = pa.Table.from_pylist(ROWS)


def refusal(place: Path | str, limits: Limits | None = None) -> str:
    with pytest.raises(DataError) as error:
        load_pairs(place, limits=limits or Limits())
    message = str(error.value)
    assert "\n" not in message
    return message


def shards(folder: Path, split: str = "train", count: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name = f"{split}-{number:05}-of-{count:05}.parquet"
        parquet.write_table(TABLE.slice(2 * number, 2), folder / name)


def write_stream(path: Path) -> None:
    with pa.ipc.new_stream(path, TABLE.schema) as stream:
        stream.write_table(TABLE)


def write_file(path: Path) -> None:
    with pa.ipc.new_file(path, TABLE.schema) as file:
        file.write_table(TABLE, max_chunksize=3)


@pytest.mark.parametrize(
    "write",
    [
        write_stream,
        write_file,
        lambda path: feather.write_feather(TABLE, str(path)),
        lambda path: feather.write_feather(TABLE, str(path), compression="zstd"),
    ],
    ids=["stream", "file", "feather", "feather, packed"],
)
def test_arrow_files(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path / "pairs.arrow")

    loaded = load_pairs(tmp_path / "pairs.arrow")

    assert loaded.format is Format.ARROW
    assert loaded.table.prompts == [row["prompt"] for row in ROWS]
    assert loaded.report.num_scored == len(ROWS)


def test_an_arrow_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    write_stream(tmp_path / "whole.arrow")
    whole = (tmp_path / "whole.arrow").read_bytes()
    for length in range(4, len(whole) - 8, 197):
        (tmp_path / "a.arrow").write_bytes(whole[:length])
        assert refusal(tmp_path / "a.arrow").startswith("a.arrow ")


def saved_to_disk(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        write_stream(folder / name)
    listed = {"_data_files": [{"filename": name} for name in names], "_split": "train"}
    (folder / "state.json").write_text(json.dumps(listed))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def test_a_folder_that_datasets_saved(tmp_path: Path) -> None:
    names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    folder = saved_to_disk(tmp_path / "saved", names)

    assert load_pairs(folder).table.prompts == [row["prompt"] for row in ROWS] * 2
    (folder / names[1]).unlink()
    assert f"{names[1]} is not there; save it again" in refusal(folder)


def test_a_folder_of_datasets_that_points_outside_is_refused(tmp_path: Path) -> None:
    folder = saved_to_disk(tmp_path / "saved", ["data.arrow"])
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../data.arrow"}]}))

    assert "its data is not there" in refusal(folder)


def test_the_splits_that_datasets_saved(tmp_path: Path) -> None:
    saved_to_disk(tmp_path / "train", ["data-00000-of-00001.arrow"])
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train"]}))
    assert len(load_pairs(tmp_path).table) == 4

    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    assert (
        f"holds the splits train, test; name one of its folders, such as {tmp_path / 'train'}"
        in (refusal(tmp_path))
    )


def test_the_shards_of_a_hub_repository(tmp_path: Path) -> None:
    shards(tmp_path / "data")
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "dataset_infos.json").write_text("{}")

    loaded = load_pairs(tmp_path)

    assert loaded.table.prompts == [row["prompt"] for row in ROWS]
    assert loaded.table.rows.tolist() == [1, 2, 3, 4]
    assert loaded.sha256 == load_pairs(tmp_path / "data" / "train-*.parquet").sha256
    (tmp_path / "data" / "train-00000-of-00002.parquet").unlink()
    assert "train-00000-of-00002.parquet is missing, one of 2 shards" in refusal(tmp_path)


def test_several_splits_are_asked_about(tmp_path: Path) -> None:
    shards(tmp_path / "data")
    shards(tmp_path / "data", "test", 1)

    message = refusal(tmp_path)

    assert f"holds the splits test, train; name one by a pattern, such as '{tmp_path}" in message
    pattern = message.rsplit("'", 2)[1]
    assert load_pairs(pattern).table.prompts == ["prompt 1", "prompt 2"]


def test_files_of_several_kinds_are_asked_about(tmp_path: Path) -> None:
    shards(tmp_path)
    json_lines_file(tmp_path, *ROWS)

    assert "holds files of several kinds (.jsonl, .parquet)" in refusal(tmp_path)


def test_partitions_give_fields(tmp_path: Path) -> None:
    for language in ("en", "de"):
        shards(tmp_path / f"lang={language}" / "year=2026", "part", 1)

    table = load_pairs(tmp_path).table

    assert extra_rows(table.extras) == [
        {"lang": language, "year": "2026"} for language in ("de", "de", "en", "en")
    ]
    assert len(load_pairs(tmp_path / "lang=en").table) == 2


def test_a_pattern_without_a_match(tmp_path: Path) -> None:
    assert "matches no file" in refusal(tmp_path / "*.parquet")


def test_all_files_together_have_a_limit(tmp_path: Path) -> None:
    shards(tmp_path)

    assert "holds more than 2.93 KiB" in refusal(tmp_path, Limits(max_bytes=3000))


def workbook(path: Path, *sheets: list[list[Any]]) -> Path:
    """The least that is a workbook, texts and numbers in their cells."""
    names = "".join(
        f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, len(sheets) + 1)
    )
    targets = "".join(
        f'<Relationship Id="r{n}" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        f'relationships/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets></workbook>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}">{targets}</Relationships>',
        )
        for number, rows in enumerate(sheets, start=1):
            written = "".join(
                f'<row r="{r}">{"".join(cell(r, c, value) for c, value in enumerate(row))}</row>'
                for r, row in enumerate(rows, start=1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{written}</sheetData></worksheet>',
            )
    return path


def cell(row: int, column: int, value: Any) -> str:
    if value is None:
        return ""
    place = f"{chr(ord('A') + column)}{row}"
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def test_a_workbook(tmp_path: Path) -> None:
    rows = [flat(pair(n)) | {"note": None if n == 2 else f"n {n}"} for n in (1, 2)]
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]

    loaded = load_pairs(workbook(tmp_path / "pairs.xlsx", [], cells, [["other"]]))

    assert loaded.format is Format.EXCEL
    assert loaded.table.prompts == ["prompt 1", "prompt 2"]
    assert loaded.table.chosen_scores[1].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert extra_rows(loaded.table.extras) == [{"note": "n 1"}, {}]


def test_a_workbook_with_a_cell_far_away(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["prompt", "chosen", "rejected"], ["p", "a", "b"]])
    content = io.BytesIO(path.read_bytes())
    with ZipFile(content) as old, ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name).replace(
                b"</sheetData>", b'<row><c s="1" r="XFD1048576"><v>1</v></c></row></sheetData>'
            )
            new.writestr(name, text)

    assert "cells so far apart that millions lie empty between them" in refusal(path)


def test_an_address_that_fsspec_knows(tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    json_lines_file(tmp_path, *ROWS)
    memory.put(str(tmp_path / "pairs.jsonl"), "/bucket/pairs.jsonl")

    for address in (
        "memory://bucket/pairs.jsonl",
        Path("memory://bucket"),
        "memory://bucket/*.jsonl",
    ):
        assert len(load_pairs(address).table) == 4
    assert len(load_prompts("memory://bucket/pairs.jsonl").prompts) == 4
    assert "memory://bucket/none.jsonl does not exist" in refusal("memory://bucket/none.jsonl")
    assert "holds more than 100 bytes" in refusal("memory://bucket", Limits(max_bytes=100))
    assert len(load_pairs(f"file://{tmp_path}/pairs.jsonl").table) == 4
    assert "can't be fetched: Protocol not known: nowhere" in refusal("nowhere://a")


def test_what_was_found_is_not_looked_for_again(tmp_path: Path) -> None:
    files = find(json_lines_file(tmp_path, *ROWS))

    assert find(files) is files
