"""Where data lies: a file, a folder of `datasets`, shards, partitions, a pattern, or an address elsewhere."""

import glob
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from grice_core.data.remote import fetched, remote_address
from grice_core.data.sniff import inspect, is_data_name
from grice_core.data.source import DEFAULT_LIMITS, DataFiles, Limits, Shards, Source, format_bytes
from grice_core.errors import DataError

_STATE = "state.json"
_SPLITS = "dataset_dict.json"
_NO_ROWS = {_STATE, _SPLITS, "dataset_info.json", "dataset_infos.json", "config.json"}
"""Files with the names of data that describe data."""
_SHARD = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.\w[\w.]*)$")
_SPLIT = re.compile(
    r"(?:^|[-_./ ])(train|training|validation|valid|val|dev|test|testing|eval|evaluation)(?=[-_./ ]|$)",
    re.IGNORECASE,
)
_SPLIT_NAMES = {"training": "train", "testing": "test", "evaluation": "eval"} | dict.fromkeys(
    ("valid", "val", "dev"), "validation"
)


def find(place: Path | str | DataFiles, limits: Limits = DEFAULT_LIMITS) -> DataFiles:
    """Find the files of a place, ready to be read.

    Args:
        place: a file; a folder, of `save_to_disk` or with shards, maybe partitioned (`lang=en/`); a
            pattern (`data/train-*.parquet`); an address of the hub (`hf://datasets/OWNER/NAME`) or any
            that fsspec knows (`s3://…`).

    Raises:
        DataError: there is nothing, something is missing, or it is not clear what is meant.
    """
    if isinstance(place, Source | Shards):
        return place
    address = remote_address(place)
    if address is not None:
        with fetched(address, limits) as (path, keep):
            return replace(find(path, limits), keep=keep)
    path = Path(place)
    if path.is_dir():
        return _folder(path, limits)
    if not path.exists() and glob.has_magic(str(path)):
        return _shards(path.name, _matching(path), limits)
    return inspect(path, limits)


def _folder(path: Path, limits: Limits) -> DataFiles:
    if (path / _STATE).is_file():
        return _shards(path.name, _saved_to_disk(path), limits)
    if (path / _SPLITS).is_file():
        names = [name for name in _document(path / _SPLITS).get("splits", ()) if _is_name(name)]
        if len(names) != 1:
            raise DataError(
                f"{path} holds the splits {_listed(names)}; name one of its folders, such as "
                f"{path / next(iter(names), 'train')}"
            )
        return _folder(path / names[0], limits)
    files = [
        one
        for one in sorted(path.rglob("*"))
        if one.is_file()
        and is_data_name(one.name)
        and one.name not in _NO_ROWS
        and not any(part.startswith((".", "_")) for part in one.relative_to(path).parts)
    ]
    if not files:
        raise DataError(f"{path} is a folder without data files; name one data file")
    _check_one_kind(path, files)
    _check_one_split(path, files)
    _check_complete(files)
    return _shards(path.name, files, limits)


def _saved_to_disk(path: Path) -> list[Path]:
    """The files of a folder that `datasets` saved."""
    listed = _document(path / _STATE).get("_data_files")
    names = [one.get("filename") for one in listed or () if isinstance(one, dict)]
    files = [path / str(name) for name in names if _is_name(name)]
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        raise DataError(
            f"{path} was saved by datasets, but {missing[0] if missing else 'its data'} is not there; "
            "save it again"
        )
    return files


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} can't be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _is_name(value: Any) -> bool:
    """Whether this is a plain name, that leads out of no folder."""
    return isinstance(value, str) and value not in ("", "..") and Path(value).name == value


def _matching(pattern: Path) -> list[Path]:
    found = [Path(one) for one in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207 - of any folder
    files = [one for one in found if one.is_file()]
    if not files:
        raise DataError(f"{pattern} matches no file; check the pattern")
    return files


def _check_one_kind(path: Path, files: Sequence[Path]) -> None:
    kinds = {"".join(Path(_unnumbered(one.name)).suffixes[-2:]) for one in files}
    if len(kinds) > 1:
        raise DataError(
            f"{path} holds files of several kinds ({_listed(sorted(kinds))}); name those to be read by "
            f"a pattern, such as '{_pattern(path, files[0])}'"
        )


def _check_one_split(path: Path, files: Sequence[Path]) -> None:
    splits: dict[str, Path] = {}
    for file in files:
        splits.setdefault(_split(file.relative_to(path).as_posix()), file)
    if len(splits) > 1:
        first = next(iter(splits.values()))
        raise DataError(
            f"{path} holds the splits {_listed(sorted(splits))}; name one by a pattern, such as "
            f"'{_pattern(path, first)}'"
        )


def _split(name: str) -> str:
    """`data/train-00000-of-00002.parquet` → `train`; what names no split is of one without a name."""
    found = _SPLIT.search(name)
    split = found[1].lower() if found else "(unnamed)"
    return _SPLIT_NAMES.get(split, split)


def _pattern(path: Path, file: Path) -> str:
    """A pattern that fits a file and its like."""
    return str(
        file.with_name(_unnumbered(file.name))
        if file.parent != path
        else path / _unnumbered(file.name)
    )


def _unnumbered(name: str) -> str:
    shard = _SHARD.match(name)
    return f"{shard['stem']}-*{shard['suffix']}" if shard else name


def _check_complete(files: Iterable[Path]) -> None:
    """Refuse `train-00000-of-00003` without its siblings."""
    there: dict[tuple[Path, str, str, str], set[int]] = {}
    for file in files:
        if shard := _SHARD.match(file.name):
            key = (file.parent, shard["stem"], shard["count"], shard["suffix"])
            there.setdefault(key, set()).add(int(shard["number"]))
    for (folder, stem, count, suffix), numbers in there.items():
        for number in range(int(count)):
            if number not in numbers:
                raise DataError(
                    f"{folder / f'{stem}-{number:05}-of-{count}{suffix}'} is missing, one of {int(count)} "
                    "shards; copy it, too"
                )


def _shards(name: str, files: Sequence[Path], limits: Limits) -> DataFiles:
    size = sum(file.stat().st_size for file in files)
    if size > limits.max_bytes:
        raise DataError(
            f"{name} holds more than {format_bytes(limits.max_bytes)}; name some of its files by a pattern"
        )
    if len(files) == 1 and "=" not in str(files[0]):
        return inspect(files[0], limits)
    keys = _partition_keys([str(file) for file in files])
    parts = tuple(
        replace(inspect(file, limits), constants=constants)
        for file, constants in zip(files, keys, strict=True)
    )
    return Shards(name, parts)


def _partition_keys(paths: Sequence[str]) -> list[dict[str, Any]]:
    """Per path: what its folders say, `lang=en/part.parquet` → `{"lang": "en"}`."""
    names = {
        folder.split("=", 1)[0]: pa.string()
        for path in paths
        for folder in Path(path).parts[:-1]
        if "=" in folder
    }
    if not names:
        return [{} for _ in paths]
    from pyarrow import dataset  # loads pandas: half of what reading a small file takes

    partitioning = dataset.HivePartitioning(pa.schema(names))
    return [
        {
            name: value
            for name, value in dataset.get_partition_keys(partitioning.parse(path)).items()
            if value is not None
        }
        for path in paths
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "of no name"
