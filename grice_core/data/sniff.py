"""What kind of file a data file is, by its content first and its name second."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

from grice_core.data.source import DEFAULT_LIMITS, Compression, Format, Limits, Source
from grice_core.errors import DataError

_HEAD_SIZE = 64 * 1024
_FORMATS = {suffix: each for each in Format for suffix in each.suffixes}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
_MAGIC: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    # A frame to be skipped may come first (RFC 8878, 3.1.2).
    **{bytes((0x50 + kind,)) + b"\x2a\x4d\x18": "zstd" for kind in range(16)},
}
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "is an Excel file of the old kind (.xls)",
    b"\xff\xfe": "is UTF-16 text",
    b"\xfe\xff": "is UTF-16 text",
    b"version https://git-lfs": "is only a Git LFS pointer: the file itself was not downloaded",
    b"<!DOCTYPE": "is a web page",
    b"<html": "is a web page",
}
_BOM = b"\xef\xbb\xbf"


def inspect(path: Path, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Find out a file's format and compression; the content decides where the name disagrees.

    Raises:
        DataError: there is no such file, it is empty, or it is none of the formats that we read.
    """
    _check_is_file(path)
    compression, compression_notes = _compression(path)
    head = _head(Source(path, Format.JSON, compression, limits))
    fmt, format_notes = _format(path, head)
    return Source(path, fmt, compression, limits, (*compression_notes, *format_notes))


def _check_is_file(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path")
    if not path.is_file():
        raise DataError(f"{path} is not a file; name one data file")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty (0 bytes)")


def _compression(path: Path) -> tuple[Compression | None, list[str]]:
    by_name = _COMPRESSIONS.get(path.suffix.lower())
    with Source(path, Format.JSON, None).open() as stream:
        head = stream.read(4)
    by_content = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if by_content == by_name:
        return by_content, []
    content = f"{by_content}-compressed" if by_content else "not compressed"
    return by_content, [f"{path.name} is {content}, whatever its name says; read as what it is"]


def _head(source: Source) -> bytes:
    """The first bytes of the content, checked against kinds of file that we can't read."""
    with source.open() as stream:
        head = stream.read(_HEAD_SIZE)
        while head and not head.removeprefix(_BOM).strip():
            head = stream.read(_HEAD_SIZE)
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise DataError(f"{source.name} {what}; save it as UTF-8 JSON, JSON Lines or CSV")
    if head.startswith(Format.EXCEL.begins) and not _is_workbook(source):
        raise DataError(f"{source.name} is a ZIP archive, but no Excel file; unpack it")
    if not head.removeprefix(_BOM).strip():
        raise DataError(f"{source.name} holds nothing but white space")
    return head.removeprefix(_BOM).lstrip()


def _is_workbook(source: Source) -> bool:
    try:
        with ZipFile(source.path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (OSError, BadZipFile):
        return source.path.suffix.lower() in Format.EXCEL.suffixes  # cut off: its reader says so


def is_data_name(name: str) -> bool:
    """Whether a file of this name holds data, wherever it lies; a text may be anything."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes[-2:]]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return bool(suffixes) and _FORMATS.get(suffixes[-1], Format.TEXT) is not Format.TEXT


def data_patterns() -> list[str]:
    """Of the names for which `is_data_name` holds, as far as they are in lower case."""
    suffixes = [suffix for suffix, found in _FORMATS.items() if found is not Format.TEXT]
    return [f"*{suffix}{packed}" for suffix in suffixes for packed in ("", *_COMPRESSIONS)]


def _format(path: Path, head: bytes) -> tuple[Format, list[str]]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    by_name = next((_FORMATS[suffix] for suffix in reversed(suffixes) if suffix in _FORMATS), None)
    by_content = _format_of(head, by_name)
    if by_content is None and by_name is None:
        raise DataError(
            f"{path.name} is of no kind that we know; its name should end with .json, .jsonl, "
            ".csv, .tsv, .parquet, .arrow or .xlsx, and perhaps .gz or .zst"
        )
    if by_content is None and by_name not in (Format.CSV, Format.TEXT):
        start = head[:20].decode("utf-8", "replace")
        raise DataError(
            f"{path.name} is not {by_name}, though its name says so: it starts with {start!r}"
        )
    fmt = by_content or by_name or Format.CSV
    if by_name in (None, fmt):
        return fmt, []
    return fmt, [f"{path.name} holds {fmt}, not {by_name}; read as what it is"]


def _format_of(head: bytes, by_name: Format | None) -> Format | None:
    """What the content looks like; `None` = like none of the formats that show in it."""
    begun = next((each for each in Format if each.begins and head.startswith(each.begins)), None)
    if begun is not None:
        return begun
    if head.startswith(b"["):
        return Format.JSON
    if not head.startswith(b"{"):
        return None
    return (
        Format.JSON if by_name is Format.JSON and not _has_several_objects(head) else Format.JSONL
    )


def _has_several_objects(head: bytes) -> bool:
    """Whether the first line is complete and another one follows, as in JSON Lines."""
    first, _, rest = head.partition(b"\n")
    return first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")
