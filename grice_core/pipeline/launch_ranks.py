"""How many processes a run has, and where they come from.

This process is rank 0 and continues as if it were alone. A launcher has started the others with it, or it starts
them (`python -m grice_core.pipeline.rank_main`), as a launcher would, on this machine; those don't outlive it.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from grice_core.dpo.distributed.launcher import RankPlace
from grice_core.errors import InputError
from grice_core.parent import start_child
from grice_core.pipeline.options import NumProcesses
from grice_core.recipes.config import ParallelSettings

if TYPE_CHECKING:
    from grice_core.pipeline.other_ranks import OtherRanks

_MODULE = ["-m", "grice_core.pipeline.rank_main"]
_LONGEST_END_S = 30.0


def count_processes(
    choice: NumProcesses, device: torch.device, launched: "OtherRanks | None" = None
) -> int:
    """How many processes a choice means on this device; one where a certain GPU was asked for.

    Args:
        launched: processes that a launcher has started with this one.

    Raises: InputError, if those are not as many as were chosen.
    """
    if launched is not None:
        if choice not in ("auto", launched.count):
            raise InputError(
                f"--num-processes {choice} beside the {launched.count} processes that "
                f"{launched.store.place.launcher} has started: leave it out"
            )
        return launched.count
    if choice != "auto":
        return choice
    has_all_gpus = device.type == "cuda" and device.index is None
    return max(1, torch.cuda.device_count()) if has_all_gpus else 1


def check_several(
    count: int,
    device: torch.device,
    settings: ParallelSettings,
    launched: "OtherRanks | None" = None,
) -> None:
    """Raises: InputError, if this device can't be shared by so many, or not in this way."""
    if count == 1:
        return
    if device.type == "cpu":
        if settings.ddp.comm_hook == "bf16":
            raise InputError(
                "parallel.ddp.comm_hook: gradients travel as bf16 between GPUs only; on the CPU give "
                "fp16, or no"
            )
        return
    if device.index:
        raise InputError(
            f"--num-processes {count} takes the first {count} GPUs: give --device cuda, and choose "
            "among them with CUDA_VISIBLE_DEVICES"
        )
    if launched is None and count > torch.cuda.device_count():
        raise InputError(
            f"--num-processes {count} takes one GPU each, and torch sees "
            f"{torch.cuda.device_count()}: give at most that many"
        )


@contextmanager
def found_ranks(
    place: RankPlace | None, say: Callable[[str], None]
) -> Iterator["OtherRanks | None"]:
    """The processes that a launcher has started with this one, if it has; they end with the block.

    Raises: InputError, if one does not come, or runs another code.
    """
    if place is None:
        yield None
        return
    from grice_core.dpo.distributed.rank_store import RankStore
    from grice_core.pipeline.other_ranks import OtherRanks

    others = OtherRanks(RankStore.at(place))
    try:
        hosts = dict.fromkeys(others.join())
        say(f"{place.count} processes, started by {place.launcher} on {', '.join(hosts)}")
        yield others
    finally:
        others.end()


@contextmanager
def other_ranks(
    count: int, launched: "OtherRanks | None", device: torch.device
) -> Iterator["OtherRanks"]:
    """Those that a launcher has started; else children of this process, which have ended when the block has.

    Children on a CPU share its threads with this process.
    """
    if launched is not None:
        yield launched
        return
    threads = torch.get_num_threads()
    each = max(1, threads // count) if device.type == "cpu" else threads
    with _started(count, each) as others, _fewer_threads(each):
        yield others


@contextmanager
def _fewer_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _started(count: int, num_threads: int) -> Iterator["OtherRanks"]:
    from grice_core.dpo.distributed.rank_store import RankStore
    from grice_core.pipeline.other_ranks import OtherRanks, RankChild

    store = RankStore.on_this_machine(count)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        children = []
        for index in range(1, count):
            log = Path(folder) / f"rank-{index}.log"
            place = replace(store.place, index=index, local_index=index)
            environment = {
                **os.environ,
                **place.environment(),
                "OMP_NUM_THREADS": str(num_threads),
            }
            written = stack.enter_context(log.open("wb"))
            process = start_child(
                _MODULE, environment, stdin=subprocess.DEVNULL, stdout=written, stderr=written
            )
            stack.callback(_end, process)
            children.append(RankChild(process, log))
        others = OtherRanks(store, children)
        yield others
        others.end()
        for child in children:  # the work is done, they are about to end
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(_LONGEST_END_S)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
