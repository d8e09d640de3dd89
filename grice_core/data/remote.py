"""Data at an address: the Hugging Face hub, or whatever fsspec reaches."""

import re
import shutil
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any

from grice_core.data.sniff import data_patterns, is_data_name
from grice_core.data.source import Limits, format_bytes
from grice_core.errors import DataError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.+)", re.IGNORECASE)
"""`pathlib` takes the second slash for a mistake."""
_DATASET = re.compile(
    r"datasets/(?P<name>[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?(?:/(?P<inside>.+))?"
)


def remote_address(place: Path | str) -> str | None:
    """A place as an address, `hf://…`; `None` if it is a path."""
    found = _ADDRESS.fullmatch(str(place))
    if found is None:
        return None
    scheme = found[1].lower()
    return f"{scheme}:///{found[2]}" if scheme == "file" else f"{scheme}://{found[2]}"


@contextmanager
def fetched(address: str, limits: Limits) -> Iterator[tuple[Path, object]]:
    """A path of this machine with the files of an address, and what keeps them there.

    Raises:
        DataError: there is nothing, or it can't be fetched, or is larger than the limits.
    """
    try:
        yield _from_hub(address, limits) if address.startswith("hf://") else _copy(address, limits)
    except DataError:
        raise
    except ImportError as error:
        raise DataError(
            f"{address} can't be fetched: a package for such addresses is not installed ({error})"
        ) from error
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{address} can't be fetched: {reason[:300]}") from error


def _from_hub(address: str, limits: Limits) -> tuple[Path, None]:
    """A data set's snapshot in the hub's own cache, which serves again when there is no network."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    asked = _DATASET.fullmatch(address.removeprefix("hf://"))
    if asked is None:
        raise DataError(f"{address} names no data set: write hf://datasets/OWNER/NAME")
    which: dict[str, Any] = {"repo_id": asked["name"], "revision": asked["revision"]}
    try:
        files = HfApi().dataset_info(**which, files_metadata=True).siblings or []
        wanted = [one for one in files if is_data_name(one.rfilename)]
        _check_size(address, sum(one.size or 0 for one in wanted), limits)
    except HfHubHTTPError as error:
        raise DataError(f"{address} can't be fetched: {str(error).splitlines()[0]}") from error
    except DataError:
        raise
    except Exception:  # whatever the hub's HTTP library raises without a network
        wanted = []  # what was fetched before will do
    try:
        snapshot = snapshot_download(
            **which,
            repo_type="dataset",
            # A copy without what is no data is complete.
            allow_patterns=[one.rfilename for one in wanted] or data_patterns(),
            local_files_only=not wanted,
        )
    except LocalEntryNotFoundError as error:
        raise DataError(
            f"{address} can't be fetched: the hub can't be reached, and there is no complete copy of it "
            "in the cache; download it where there is a network, and give the folder"
        ) from error
    return Path(snapshot) / (asked["inside"] or ""), None


def _copy(address: str, limits: Limits) -> tuple[Path, "_Copies"]:
    """Copies of the files in a temporary folder."""
    import fsspec

    files, root = fsspec.url_to_fs(address)
    is_folder = files.isdir(root)
    found = files.find(root) if is_folder else files.glob(root)
    found = [path for path in found if is_data_name(path)] if is_folder else found
    if not found:
        raise DataError(f"{address} does not exist, or holds no data file; check the address")
    _check_size(address, sum(files.size(path) or 0 for path in found), limits)
    copies = _Copies()
    above = PurePosixPath(root) if is_folder else PurePosixPath(found[0]).parent
    place = copies.folder / (above.name or "data")
    for path in found:
        inside = PurePosixPath(path).relative_to(above)
        if ".." in inside.parts:  # a store's keys may be called anything
            raise DataError(f"{address} holds {inside}, which leads out of its folder; rename it")
        copy = place / inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        files.get_file(path, str(copy))
    return (place if is_folder or len(found) > 1 else copy), copies


class _Copies:
    """A folder that is there as long as this object."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp())
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


def _check_size(address: str, size: int, limits: Limits) -> None:
    if size > limits.max_bytes:
        raise DataError(
            f"{address} holds more than {format_bytes(limits.max_bytes)}; name some of its files"
        )
