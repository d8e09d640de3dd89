"""What a command is given by address, as files on this machine while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def local_file(file: Path) -> Iterator[Path]:
    """A file of pairs, or a copy of a data set that is addressed as `studio:NAME`.

    Raises: NotFoundError, StoreError.
    """
    from grice_core.pipeline.addresses import Addresses, is_address

    if not is_address(file):
        yield file
        return
    with TemporaryDirectory() as folder:
        yield Addresses.open().file(file, Path(folder))


@contextmanager
def local_detector(source: str) -> Iterator[str]:
    """A detector's folder or hub id, or a copy of one that is addressed as `studio:NAME`.

    Raises: NotFoundError, StoreError.
    """
    from grice_core.pipeline.addresses import Addresses, is_address

    if not is_address(source):
        yield source
        return
    with TemporaryDirectory() as folder:
        yield str(Addresses.open().detector_folder(source, Path(folder) / "detector"))
