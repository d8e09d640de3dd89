"""The process group of a stage that several processes train, by accelerate; one process never imports this.

Passes run outside of `DistributedDataParallel`: a step takes as many as memory asks for, of which a rank
may have none, and one that ran out of memory is run again. Its reducer gets the gradients once they have
all been accumulated, through a module that holds only the adapter's parameters. With `parallel.fsdp` each
rank holds a shard of the base (`fsdp.py`), and gradients are reduced in the same way.
"""

import gc
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from torch.distributed import PrefixStore  # type: ignore[attr-defined]

from grice_core.dpo.distributed.fsdp import shard_base
from grice_core.dpo.distributed.launcher import RankPlace
from grice_core.dpo.distributed.rank_store import open_store
from grice_core.dpo.distributed.ranks import Ranks, T, shares
from grice_core.dpo.encode import EncodedPair
from grice_core.errors import TrainingError
from grice_core.recipes.config import ParallelSettings

_NOT_OURS = (
    "ACCELERATE_MIXED_PRECISION",
    "ACCELERATE_DYNAMO_BACKEND",
    "ACCELERATE_USE_DEEPSPEED",
    "ACCELERATE_USE_FSDP",
    "ACCELERATE_USE_MEGATRON_LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG",
)


class LostRankError(TrainingError):
    """Another process of the run has ended."""


@dataclass(frozen=True)
class RankInfo:
    """A rank's place in the process group."""

    place: RankPlace
    device: torch.device
    backend: str | None = None
    """Of torch's process groups; None: the device's usual one."""
    group: str = ""
    """Its name: a run has several process groups, one after the other."""

    @property
    def index(self) -> int:
        """Its rank."""
        return self.place.index

    @property
    def count(self) -> int:
        """Of all ranks."""
        return self.place.count

    @property
    def local_index(self) -> int:
        """Of its GPU, which two ranks can only share if the backend lets them; on a CPU its own."""
        return self.index if self.device.type == "cpu" else self.device.index or 0


def free_port() -> int:
    """A free port of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port


@contextmanager
def process_group(info: RankInfo, policy: nn.Module, settings: ParallelSettings) -> Iterator[Ranks]:
    """Join the process group of all ranks, once all are there, and leave it at the end of the block.

    With `settings.fsdp` the policy can't be used after it.

    Raises: LostRankError, if one of them ends before; RecipeError, if the policy can't be sharded.
    """
    with patch_environment(**_environment(info)), _as_lost_rank():
        torch.distributed.init_process_group(
            info.backend or ("gloo" if info.device.type == "cpu" else "nccl"),
            store=PrefixStore(f"group/{info.group}", open_store(info.place)),
            rank=info.index,
            world_size=info.count,
            timeout=timedelta(seconds=settings.timeout_s),
        )
        accelerator = Accelerator(
            cpu=info.device.type == "cpu", kwargs_handlers=_handlers(settings, info.backend)
        )
    try:
        if settings.fsdp:
            shard_base(policy, info.count, settings.fsdp)
        ranks = _AccelerateRanks(info, accelerator, policy, lockstep=settings.fsdp is not None)
        try:
            yield ranks
        except RuntimeError as error:
            # A sharded layer is gathered in the middle of a pass, where more than that can fail.
            if isinstance(error, torch.distributed.DistError) or "gloo/transport" in str(error):
                raise _lost(error) from error
            raise
        finally:
            ranks.leave()
    finally:
        # Free the reducer before the group: otherwise it would wait for the group's threads while they
        # wait for the GIL, which it holds.
        accelerator.free_memory()
        gc.collect()
        torch.distributed.destroy_process_group()
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


class _AccelerateRanks(Ranks):
    def __init__(
        self, info: RankInfo, accelerator: Accelerator, policy: nn.Module, *, lockstep: bool
    ) -> None:
        self.index, self.count, self.lockstep = info.index, info.count, lockstep
        parameters = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        with _as_lost_rank():
            self._reducer = accelerator.prepare_model(_Gradients(parameters))

    def leave(self) -> None:
        """Free the reducer."""
        del self._reducer

    def own(self, pairs: Sequence[EncodedPair]) -> list[int]:
        return shares(pairs, self.count)[self.index]

    def all_gather(self, value: T) -> list[T]:
        with _as_lost_rank():
            gathered: list[T] = gather_object([value])
        return gathered

    def broadcast(self, value: T) -> T:
        with _as_lost_rank():
            received: list[T] = broadcast_object_list([value], from_process=0)
        return received[0]

    def all_reduce_gradients(self) -> None:
        with _as_lost_rank():
            self._reducer().backward()
        for parameter in self._reducer.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(self.count)  # the reducer takes means


class _Gradients(nn.Module):
    """Parameters whose gradients are there already: backward adds 0 to each."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        super().__init__()
        self.all = nn.ParameterList(parameters)

    def forward(self) -> Tensor:
        """0, which depends on every parameter."""
        return torch.stack([parameter.sum() for parameter in self.all]).sum() * 0


def _handlers(settings: ParallelSettings, backend: str | None) -> list[Any]:
    ddp = settings.ddp.model_dump()
    ddp["comm_hook"] = DDPCommunicationHookType(ddp["comm_hook"])
    return [
        DistributedDataParallelKwargs(**ddp),
        InitProcessGroupKwargs(backend=backend),
    ]


def _environment(info: RankInfo) -> dict[str, str]:
    """Environment variables from which accelerate and torch learn about the group."""
    common = replace(info.place, local_index=info.local_index).environment() | {
        "LOCAL_WORLD_SIZE": str(info.count),
        # Else accelerate would set torch's number of threads, which is set already.
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
        # What `accelerate launch` was asked for is about models that accelerate wraps, of which there is none.
        **dict.fromkeys(_NOT_OURS, "no"),
    }
    return common | ({"ACCELERATE_USE_CPU": "yes"} if info.device.type == "cpu" else {})


@contextmanager
def _as_lost_rank() -> Iterator[None]:
    """Turn what torch raises when a connection breaks, which varies, into a LostRankError."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise _lost(error) from error


def _lost(error: RuntimeError) -> LostRankError:
    return LostRankError(f"another process of this run has ended ({error})")
