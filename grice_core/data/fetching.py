"""Copies of the files of an address, in a folder where they can be read like any others."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from grice_core.data.places import find
from grice_core.data.remote import remote_address
from grice_core.data.source import DEFAULT_LIMITS, Limits
from grice_core.errors import DataError
from grice_core.progress import Progress, silent


def check_allowed(address: str, beginnings: Sequence[str]) -> str:
    """An address that begins like one of these, as fsspec takes it.

    Raises:
        DataError: it is none, or leads elsewhere.
    """
    found = remote_address(address.strip())
    if found is None:
        raise DataError(
            f"{address} is no address; write one that begins with {_listed(beginnings)}"
        )
    leads_elsewhere = "::" in found or ".." in found.split("/") or "%" in found or "\\" in found
    is_local = found.startswith(("file:", "local:"))
    if leads_elsewhere or is_local or not any(_begins(found, each) for each in beginnings):
        raise DataError(
            f"{address} can't be read from here; addresses that begin with {_listed(beginnings)} can"
        )
    return found


def fetch_into(
    folder: Path, address: str, progress: Progress = silent, limits: Limits = DEFAULT_LIMITS
) -> Path:
    """Copy an address's data files below a folder; returns the file, or the folder of several.

    Raises:
        DataError: there is nothing, it can't be fetched, or is larger than the limits.
    """
    files = find(address, limits)
    paths = [part.path for part in files.parts]
    if len(paths) == 1:
        return Path(shutil.copy(paths[0], folder / paths[0].name))
    target = folder / (address.rstrip("/*").rsplit("/", 1)[-1].partition("@")[0] or "data")
    above = os.path.commonpath([path.parent for path in paths])
    for number, path in enumerate(paths, start=1):
        copy = target / path.relative_to(above)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
        progress(f"copied from {address}", number, len(paths))
    return target


def _begins(address: str, beginning: str) -> bool:
    """`s3://ours` allows `s3://ours/data`, but not `s3://ours-not`."""
    return address == beginning or address.startswith(f"{beginning.rstrip('/')}/")


def _listed(beginnings: Sequence[str]) -> str:
    return " or ".join(beginnings)
