"""The folder in which a run's files grow until they are kept as artifacts.

    work/7/0/attempt-2/inputs/…     what the user gave
                       out/…        the pipeline's output folder, as far as it is

An attempt takes the folder of the one before over by renaming it. So a process that was stopped, and
wakes up when its run belongs to somebody else, finds its folder gone and can't write into the new
one's.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from grice_core.files import write_text_atomic
from grice_core.store.claims import Claim


@dataclass(frozen=True)
class Workspace:
    """One attempt's folder."""

    path: Path

    @classmethod
    def open(cls, home: Path, claim: Claim, built_on: str) -> "Workspace":
        """The folder with what earlier attempts of the same round left in it.

        Args:
            built_on: what the run builds on; if that has changed since, nothing is taken over.
        """
        run = home / "work" / str(claim.run_id)
        current = run / str(claim.round)
        for older in run.glob("*"):
            if older != current:
                shutil.rmtree(older, ignore_errors=True)
        space = cls(current / f"attempt-{claim.attempt}")
        space.path.parent.mkdir(parents=True, exist_ok=True)
        for left in sorted(current.glob("attempt-*"), key=_attempt):
            if left != space.path:
                shutil.rmtree(space.path, ignore_errors=True)
                left.rename(space.path)
        if space.path.is_dir() and space._built_on() != built_on:
            shutil.rmtree(space.path)
        space.path.mkdir(exist_ok=True)
        write_text_atomic(space.path / "built_on", built_on)
        return space

    @property
    def inputs(self) -> Path:
        return self.path / "inputs"

    @property
    def out(self) -> Path:
        return self.path / "out"

    def remove(self) -> None:
        """Forget everything: what counts is kept elsewhere."""
        shutil.rmtree(self.path.parent.parent, ignore_errors=True)

    def _built_on(self) -> str | None:
        try:
            return (self.path / "built_on").read_text()
        except OSError:
            return None


def _attempt(folder: Path) -> int:
    return int(folder.name.removeprefix("attempt-"))
