"""Published stages, carried to ranks that may not see the run's folder."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grice_core.errors import ModelError
from grice_core.pipeline.output import OutputFolder, is_whole_model


@dataclass(frozen=True, eq=False)
class CarriedStages:
    """What stages of a run have published: adapters as they are, whole models by their folder."""

    output: OutputFolder
    adapters: Mapping[str, Mapping[str, bytes]]
    """Files by their names, by stage."""
    whole: Sequence[str]
    """Stages that published a whole model, which is too large to be carried."""

    @classmethod
    def of(cls, output: OutputFolder, stages: Sequence[str]) -> "CarriedStages":
        """Of the run in this folder."""
        folders = {stage: output.stage(stage).final_model for stage in stages}
        whole = [stage for stage, folder in folders.items() if is_whole_model(folder)]
        adapters = {
            stage: {path.name: path.read_bytes() for path in sorted(folder.glob("adapter_*"))}
            for stage, folder in folders.items()
            if stage not in whole
        }
        return cls(OutputFolder(output.path.resolve()), adapters, whole)

    @contextmanager
    def folder(self) -> Iterator[OutputFolder]:
        """A folder that holds them as the run's does, for as long as the block runs.

        Raises: ModelError, if a whole model's folder can't be seen from here.
        """
        with tempfile.TemporaryDirectory() as root:
            here = OutputFolder(Path(root))
            for stage, files in self.adapters.items():
                here.stage(stage).final_model.mkdir(parents=True)
                for name, content in files.items():
                    (here.stage(stage).final_model / name).write_bytes(content)
            for stage in self.whole:
                there = self.output.stage(stage).final_model
                if not there.is_dir():
                    raise ModelError(
                        f"{stage} was published as a whole model, which is not sent to other hosts, and {there} "
                        "does not exist here: take a folder for --out that all hosts share"
                    )
                here.stage(stage).path.mkdir(parents=True)
                here.stage(stage).final_model.symlink_to(there)
            yield here
