"""The folder in which a run's files grow until they are kept as artifacts.

    work/7/0/attempt-2/inputs/…          what the user gave
                       state/built_on    what the run builds on
                             out/…       the pipeline's output folder, as far as it is

An attempt takes the folder of the one before over by renaming it, and copies the files that a process
holds open in it. So a process that was stopped, and wakes up when its run belongs to another worker,
finds its folder gone, and what it writes goes nowhere. If the attempt before was made elsewhere, its
state is fetched, as far as it was shared.
"""

import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grice_core.files import fence_open_files, temporary_name, write_text_atomic
from grice_core.store import runs
from grice_core.store.artifacts import GRACE_S
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.references import Collected
from grice_core.store.states import RunState


def _nothing(target: Path) -> None:
    """No one has shared anything."""


@dataclass(frozen=True)
class Workspace:
    """One attempt's folder."""

    path: Path

    @classmethod
    def open(
        cls,
        home: Path,
        claim: Claim,
        built_on: str,
        fetch_shared: Callable[[Path], None] = _nothing,
    ) -> "Workspace":
        """The folder with what earlier attempts of the same round left in it.

        Args:
            built_on: what the run builds on; if that has changed since, nothing is taken over.
            fetch_shared: makes a folder of the state that an attempt elsewhere has shared, if any.
        """
        run = home / "work" / str(claim.run_id)
        current = run / str(claim.round)
        for older in run.glob("*"):
            if older != current:
                shutil.rmtree(older, ignore_errors=True)
        space = cls(current / f"attempt-{claim.attempt}")
        space.path.parent.mkdir(parents=True, exist_ok=True)
        last = space._take_over(current)
        fence_open_files(space.path)
        space.path.mkdir(exist_ok=True)
        if last < claim.attempt - 1:  # another worker has come further meanwhile
            space._replace_state(fetch_shared)
        if space.state.is_dir() and space._built_on() != built_on:
            shutil.rmtree(space.state)
        space.state.mkdir(exist_ok=True)
        write_text_atomic(space.state / "built_on", built_on)
        return space

    @property
    def inputs(self) -> Path:
        return self.path / "inputs"

    @property
    def state(self) -> Path:
        """All that another attempt needs to continue."""
        return self.path / "state"

    @property
    def out(self) -> Path:
        return self.state / "out"

    def remove(self) -> None:
        """Forget everything: what counts is kept elsewhere."""
        shutil.rmtree(self.path.parent.parent, ignore_errors=True)

    def _take_over(self, current: Path) -> int:
        """Rename the last attempt's folder to this one's; returns which it was, 0 for none."""
        last = 0
        for left in sorted(current.glob("attempt-*"), key=_attempt):
            last = _attempt(left)
            if left != self.path:
                shutil.rmtree(self.path, ignore_errors=True)
                left.rename(self.path)
        return last

    def _replace_state(self, fetch: Callable[[Path], None]) -> None:
        fetched = self.path / "fetched"
        shutil.rmtree(fetched, ignore_errors=True)
        fetch(fetched)
        if fetched.is_dir():
            shutil.rmtree(self.state, ignore_errors=True)
            fetched.rename(self.state)

    def _built_on(self) -> str | None:
        try:
            return (self.state / "built_on").read_text()
        except OSError:
            return None


def leftovers(
    database: Database, home: Path, grace_s: float = GRACE_S, without: Collection[int] = ()
) -> Collected:
    """What `remove_leftovers` would remove.

    Args:
        without: pipelines that would have been removed before.
    """
    return sum(map(_size_of, _leftovers(database, home, grace_s, without)), Collected(0, 0))


def remove_leftovers(database: Database, home: Path, grace_s: float = GRACE_S) -> Collected:
    """Remove the folders of runs that have succeeded elsewhere or were removed."""
    collected = Collected(0, 0)
    for folder in _leftovers(database, home, grace_s):
        put_aside = _put_aside(database, folder)
        if put_aside is not None:
            collected += _size_of(put_aside)
            shutil.rmtree(put_aside, ignore_errors=True)
    return collected


def _leftovers(
    database: Database, home: Path, grace_s: float, without: Collection[int] = ()
) -> list[Path]:
    """Old folders that no run needs: those of runs, and what killed processes left of their own."""
    folders = {int(path.name): path for path in (home / "work").glob("[0-9]*")}
    needed = runs.not_succeeded(database, folders, without)
    unneeded = [path for run_id, path in folders.items() if run_id not in needed]
    unneeded += [*(home / "work").glob(".*"), *(home / "tmp").glob("*")]
    return [path for path in unneeded if _age_s(path) >= grace_s]


def _put_aside(database: Database, folder: Path) -> Path | None:
    """Rename the folder of a run that is over, so that the same run begun anew meanwhile has its own.

    Returns None if it has been begun anew already.
    """
    if not folder.name.isdigit():
        return folder
    aside = temporary_name(folder)

    def rename(state: RunState | None) -> Path | None:
        if not _is_over(state):
            return None
        with suppress(FileNotFoundError):
            folder.rename(aside)
        return aside

    return runs.while_unclaimed(database, int(folder.name), rename)


def _is_over(state: RunState | None) -> bool:
    return state in {RunState.SUCCEEDED, None}


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:  # its process has removed it
        return 0.0


def _size_of(folder: Path) -> Collected:
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Collected(len(files), sum(files))


def _attempt(folder: Path) -> int:
    return int(folder.name.removeprefix("attempt-"))
