"""A rank other than the first: it does what rank 0 gives it, until there is no more.

It asks no one, decides nothing and writes nothing that stays.
"""

import itertools
import signal
import sys
import time
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.distributed import DistError

from grice_core.dpo.distributed.launcher import RankPlace
from grice_core.dpo.distributed.process_group import LostRankError, RankInfo
from grice_core.dpo.distributed.rank_store import RankStore
from grice_core.errors import GriceError, InputError, InterruptedRunError
from grice_core.loading import end_loading
from grice_core.pipeline.rank_code import RankCode
from grice_core.quiet import hush_libraries

POLL_EVERY_S = 0.05
"""How often the store is asked for what is waited for."""
LOST_ANOTHER = 75
"""Exit status of a rank that ended since another one had."""


@dataclass(frozen=True)
class ServedRank:
    """A rank as its work sees it."""

    store: RankStore
    number: int
    """Of the work, counted from 0."""

    @property
    def index(self) -> int:
        """Its rank."""
        return self.store.place.index

    def info(self, device: torch.device) -> RankInfo:
        """Its place in the process group of this work."""
        return RankInfo(self.store.place, device, group=str(self.number))

    def device(self, type_: str) -> torch.device:
        """Its own device of the type that rank 0 has.

        Raises: InputError, if there is none.
        """
        if type_ != "cuda":
            return torch.device(type_)
        if not torch.cuda.is_available():
            raise InputError("there is no GPU that torch can use, and rank 0 has one")
        # Where each process sees one GPU only, as SLURM can arrange it, that is the first one.
        device = torch.device("cuda", self.store.place.local_index % torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device

    def say_ready(self) -> None:
        """Everything is loaded."""
        self.store.put(ready_key(self.number, self.index), True)


class RankWork(Protocol):
    """Work that rank 0 gives to all others; pickled on its way."""

    def do(self, rank: ServedRank) -> None:
        """The same on every rank but the first.

        Raises: GriceError.
        """


def serve(place: RankPlace) -> int:
    """Do all work that rank 0 gives; returns the exit status.

    Raises: InputError, if rank 0 can't be reached.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # rank 0 stops in order, and this one with it
        signal.signal(number, signal.SIG_IGN)
    end_loading()
    hush_libraries()
    store = RankStore.at(place)
    try:
        with store.beating():
            store.put(code_key(place.index), RankCode.of_this_process())
            try:
                return _serve(store)
            finally:
                store.put(ended_key(place.index), True)
    except DistError:
        return LOST_ANOTHER


def work_key(number: int) -> str:
    """Under which work is given; None under it: there is no more."""
    return f"work/{number}"


def ready_key(number: int, index: int) -> str:
    """Under which a rank says that it has loaded everything for a work."""
    return f"ready/{number}/{index}"


def code_key(index: int) -> str:
    """Under which a rank says what it runs."""
    return f"code/{index}"


def failed_key(index: int) -> str:
    """Under which a rank says why it ends."""
    return f"failed/{index}"


def ended_key(index: int) -> str:
    """Under which a rank says that it does no more work."""
    return f"ended/{index}"


def _serve(store: RankStore) -> int:
    index = store.place.index
    for number in itertools.count():
        while not store.has(work_key(number)):
            time.sleep(POLL_EVERY_S)
        work: RankWork | None = store.get(work_key(number))
        if work is None:
            return 0
        try:
            work.do(ServedRank(store, number))
        except InterruptedRunError:
            continue
        except LostRankError:
            return LOST_ANOTHER
        except GriceError as error:
            store.put(failed_key(index), str(error))
            print(error, file=sys.stderr)  # noqa: T201 - its log
            return error.exit_code
        except Exception as error:
            store.put(failed_key(index), f"{type(error).__name__}: {error}")
            raise
    raise AssertionError("numbers don't end")
