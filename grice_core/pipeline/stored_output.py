"""An output folder that a command is given: one on disk, or `studio:NUMBER` of a pipeline in the studio."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from grice_core.errors import InputError
from grice_core.pipeline.addresses import PREFIX, Addresses, is_address
from grice_core.pipeline.reopening import Places
from grice_core.pipeline.sources import StoredPairs
from grice_core.store import outputs, pipelines
from grice_core.store.artifacts import ArtifactStore


@contextmanager
def local_output(address: str, *, with_judges: bool = False) -> Iterator[tuple[Path, Places]]:
    """The folder, or that of a stage in it (`studio:NUMBER/STAGE`), and where the pipeline's inputs are.

    A copy of what the studio keeps is there for as long as the block runs.

    Raises: InputError, NotFoundError, StoreError.
    """
    if not is_address(address):
        yield Path(address), Places()
        return
    number, _, stage = address.removeprefix(PREFIX).partition("/")
    if not number.isdecimal():
        raise InputError(
            f"{address} names no pipeline: write studio:NUMBER, with the number that `grice submit` printed"
        )
    with TemporaryDirectory() as scratch:
        addresses, folder = Addresses.open(), Path(scratch) / "output"
        output = outputs.newest_output(addresses.database, int(number))
        addresses.artifacts.fetch_folder(output.sha256, folder)
        spec = pipelines.get(addresses.database, int(number)).spec
        inputs = _Inputs(addresses.artifacts, Path(scratch))
        places = Places(data=inputs.pairs(spec["data"]), eval=inputs.pairs(spec["eval"]))
        if with_judges:
            places = replace(
                places,
                detector=inputs.detector(spec["detector"]),
                second_judge=inputs.detector(spec.get("second_judge")),
            )
        yield folder / stage, places


class _Inputs:
    """Copies of a pipeline's inputs, as its spec names them."""

    def __init__(self, artifacts: ArtifactStore, folder: Path) -> None:
        self._artifacts, self._folder = artifacts, folder

    def pairs(self, data: Mapping[str, Any]) -> StoredPairs:
        path = self._folder / f"{data['artifact_sha256']}.parquet"
        if not path.exists():
            self._artifacts.fetch_file(data["artifact_sha256"], path)
        return StoredPairs(path, data["name"], data["sha256"], data["num_rows"])

    def detector(self, detector: Mapping[str, Any] | str | None) -> str | None:
        if detector is None or isinstance(detector, str):
            return detector
        folder = self._folder / str(detector["sha256"])
        if not folder.exists():
            self._artifacts.fetch_folder(detector["sha256"], folder)
        return str(folder)
