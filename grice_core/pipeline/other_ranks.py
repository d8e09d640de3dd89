"""The other ranks of a run, as rank 0 sees them: given work, waited for, missed when they are gone.

A launcher has started them (torchrun, `accelerate launch`, srun), on this host or others, or this process has, as
its children (`launch_ranks.py`). In both cases they run `rank_server.py`.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.distributed import DistError

from grice_core.dpo.distributed.process_group import RankInfo
from grice_core.dpo.distributed.rank_store import LONGEST_JOIN_S, Pulse, RankStore
from grice_core.errors import InputError, InterruptedRunError, LostProcessError
from grice_core.parent import how_it_ended
from grice_core.pipeline.rank_code import RankCode
from grice_core.pipeline.rank_server import (
    LOST_ANOTHER,
    POLL_EVERY_S,
    RankWork,
    code_key,
    ended_key,
    failed_key,
    ready_key,
    work_key,
)

_LOOK_EVERY_S = 0.5
"""Whether all are alive, and whether to stop."""
_LONGEST_NOTICE_S = 0.5
_LONGEST_END_S = 5.0


@dataclass(frozen=True, eq=False)
class RankChild:
    """A rank that this process has started."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def ending(self, patience_s: float = 0.0) -> str | None:
        """How it ended; None if it has not, or since another one had."""
        with suppress(subprocess.TimeoutExpired):
            status = self.process.wait(patience_s)
            if status < 0:
                return how_it_ended(status)
            if status not in (0, LOST_ANOTHER):
                return f"ended: {_last_line(self.log)}"
        return None


class OtherRanks:
    """Every rank but this one, which is the first."""

    def __init__(self, store: RankStore, children: Sequence[RankChild] = ()) -> None:
        self.store = store
        self._children = children
        self._pulses = [Pulse() for _ in self._indices]
        self._number = -1

    @property
    def count(self) -> int:
        """Of all ranks, with this one."""
        return self.store.place.count

    @property
    def number(self) -> int:
        """Of the last work that was given, counted from 0."""
        return self._number

    @property
    def _indices(self) -> range:
        return range(1, self.count)

    def info(self, device: torch.device) -> RankInfo:
        """This rank's place in the process group of the last work."""
        return RankInfo(self.store.place, device, group=str(self._number))

    def join(self) -> list[str]:
        """Wait until all are there; returns their hosts, in the order of the ranks.

        Raises: InputError, if one is missing, or runs another code than this one.
        """
        own = RankCode.of_this_process()
        hosts, until = [own.host], time.monotonic() + LONGEST_JOIN_S
        for index in self._indices:
            while not self.store.has(code_key(index)):
                time.sleep(POLL_EVERY_S)
                if time.monotonic() > until:
                    raise InputError(
                        f"process {index + 1} of {self.count} has not come within {LONGEST_JOIN_S:.0f} s: "
                        "start the same command line on all hosts"
                    )
            code: RankCode = self.store.get(code_key(index))
            if difference := code.differs_from(own):
                raise InputError(
                    f"process {index + 1} of {self.count} on {code.host} runs something else than this one "
                    f"({difference}): install the same on all hosts"
                )
            hosts.append(code.host)
        return hosts

    def give(self, work: RankWork | None) -> None:
        """Have all others do this; None: there is no more."""
        self._number += 1
        self.store.put(work_key(self._number), work)

    def wait_until_ready(self, should_stop: Callable[[], bool]) -> None:
        """Until all have loaded what they need for the last work.

        Raises: LostProcessError, InterruptedRunError.
        """
        keys = [ready_key(self._number, index) for index in self._indices]
        self.wait_until(lambda: all(map(self.store.has, keys)), should_stop)
        self.store.forget(work_key(self._number))

    def wait_until(self, is_so: Callable[[], bool], should_stop: Callable[[], bool]) -> None:
        """Wait for what the others do.

        Raises: LostProcessError, InterruptedRunError.
        """
        looked_at = float("-inf")
        while not is_so():
            if time.monotonic() - looked_at > _LOOK_EVERY_S:
                looked_at = time.monotonic()
                self._check()
                if should_stop():
                    raise InterruptedRunError("stopped while other processes were at work")
            time.sleep(POLL_EVERY_S)

    def _check(self) -> None:
        """Raises: LostProcessError, if one has ended, or has not been heard of for long."""
        ending = self._ending()
        if ending:
            raise LostProcessError(ending)
        now = time.monotonic()
        for index, pulse in zip(self._indices, self._pulses, strict=True):
            if pulse.is_gone(self.store.num_beats(index), now):
                raise LostProcessError(f"process {index + 1} of {self.count} is not heard of")

    def lost(self, noticed: str) -> LostProcessError:
        """Which one ended, and how, as far as it is known; else what was noticed."""
        return LostProcessError(self._ending(_LONGEST_NOTICE_S) or noticed)

    def end(self) -> None:
        """Say that there is no more work, and wait a little until all have heard it."""
        with suppress(DistError):
            self.give(None)
            until = time.monotonic() + _LONGEST_END_S
            for index in self._indices:
                while not self.store.has(ended_key(index)) and time.monotonic() < until:
                    if self._ending():
                        return
                    time.sleep(POLL_EVERY_S)

    def _ending(self, patience_s: float = 0.0) -> str | None:
        for index in self._indices:
            which = f"process {index + 1} of {self.count}"
            if self.store.has(failed_key(index)):
                return f"{which} ended: {self.store.get(failed_key(index))}"
            ending = self._children[index - 1].ending(patience_s) if self._children else None
            if ending:
                return f"{which} {ending}"
        return None


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
