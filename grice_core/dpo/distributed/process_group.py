"""accelerate as the engine of several processes; one process alone never imports this.

Passes run outside of `DistributedDataParallel`: a step takes as many as memory asks for, of which a rank
may have none, and one that ran out of memory is done again. Its reducer gets the gradients
once they have all been added up, through a module that is nothing but the adapter's parameters. With
`parallel.fsdp` each rank holds a part of the base (`sharded.py`), and the gradients still go this way.
"""

import gc
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.utils import (
    DDPCommunicationHookType,
    DistributedDataParallelKwargs,
    InitProcessGroupKwargs,
    broadcast_object_list,
    gather_object,
    patch_environment,
)
from torch import Tensor, nn

from grice_core.dpo.distributed.fsdp import shard_base
from grice_core.dpo.distributed.ranks import Ranks, T, shares
from grice_core.dpo.encode import EncodedPair
from grice_core.errors import TrainingError
from grice_core.recipes.config import ParallelSettings


class LostRankError(TrainingError):
    """Another process of the run has ended."""


@dataclass(frozen=True)
class Seat:
    """A rank's place in the group."""

    index: int
    count: int
    port: int
    """At which rank 0 listens, on this machine."""
    device: torch.device


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port


@contextmanager
def joined(seat: Seat, policy: nn.Module, settings: ParallelSettings) -> Iterator[Ranks]:
    """The group of all ranks, once all are here; it ends with the block.

    With `settings.fsdp` the policy is of no use without the group.

    Raises: LostRankError, if one of them ends before; RecipeError, if the policy can't be sharded.
    """
    with patch_environment(**_environment(seat)), _losses_in_words():
        accelerator = Accelerator(
            cpu=seat.device.type == "cpu", kwargs_handlers=_handlers(settings)
        )
    try:
        if settings.fsdp:
            shard_base(policy, seat.count, settings.fsdp)
        ranks = _AccelerateRanks(seat, accelerator, policy, lockstep=settings.fsdp is not None)
        try:
            yield ranks
        except RuntimeError as error:
            # A sharded layer is put together in the middle of a pass, where more than that can fail.
            if isinstance(error, torch.distributed.DistError) or "gloo/transport" in str(error):
                raise _lost(error) from error
            raise
        finally:
            ranks.leave()
    finally:
        # The reducer goes first: if it let the group go, it would wait for the group's threads,
        # while they wait for Python's lock, which it holds.
        accelerator.free_memory()
        gc.collect()
        torch.distributed.destroy_process_group()
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


class _AccelerateRanks(Ranks):
    def __init__(
        self, seat: Seat, accelerator: Accelerator, policy: nn.Module, *, lockstep: bool
    ) -> None:
        self.index, self.count, self.lockstep = seat.index, seat.count, lockstep
        parameters = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        with _losses_in_words():
            self._reducer = accelerator.prepare_model(_Gradients(parameters))

    def leave(self) -> None:
        """Let the reducer go."""
        del self._reducer

    def own(self, pairs: Sequence[EncodedPair]) -> list[int]:
        return shares(pairs, self.count)[self.index]

    def gather(self, value: T) -> list[T]:
        with _losses_in_words():
            gathered: list[T] = gather_object([value])
        return gathered

    def first(self, value: T) -> T:
        with _losses_in_words():
            found: list[T] = broadcast_object_list([value], from_process=0)
        return found[0]

    def sum_gradients(self) -> None:
        with _losses_in_words():
            self._reducer().backward()
        for parameter in self._reducer.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(self.count)  # the reducer takes means


class _Gradients(nn.Module):
    """Parameters whose gradients are there already: going back through it adds 0 to each."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        super().__init__()
        self.all = nn.ParameterList(parameters)

    def forward(self) -> Tensor:
        """0, of which every parameter is a part."""
        return torch.stack([parameter.sum() for parameter in self.all]).sum() * 0


def _handlers(settings: ParallelSettings) -> list[Any]:
    ddp = settings.ddp.model_dump()
    ddp["comm_hook"] = DDPCommunicationHookType(ddp["comm_hook"])
    return [
        DistributedDataParallelKwargs(**ddp),
        InitProcessGroupKwargs(timeout=timedelta(seconds=settings.timeout_s)),
    ]


def _environment(seat: Seat) -> dict[str, str]:
    """What accelerate and torch read about the group."""
    common = {
        "rank": str(seat.index),
        "local_rank": str(seat.index),
        "world_size": str(seat.count),
        "local_world_size": str(seat.count),
        "master_addr": "127.0.0.1",
        "master_port": str(seat.port),
        # Else accelerate would set torch's number of threads, which is set already.
        "omp_num_threads": str(torch.get_num_threads()),
    }
    return common | ({"accelerate_use_cpu": "yes"} if seat.device.type == "cpu" else {})


@contextmanager
def _losses_in_words() -> Iterator[None]:
    """What torch says when a connection breaks depends on who notices what first."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise _lost(error) from error


def _lost(error: RuntimeError) -> LostRankError:
    return LostRankError(f"another process of this run has ended ({error})")
