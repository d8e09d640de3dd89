"""Two processes that train a stage together, against one: with DDP, and with the base sharded by FSDP."""

import os
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Literal

import torch

from benchmarks.gpu.correctness import Trained, adapter_of, compared, train
from benchmarks.gpu.results import Row, skipped
from benchmarks.gpu.setting import Setting
from benchmarks.quiet import hush
from benchmarks.trainer.contenders import give, stage_job
from benchmarks.trainer.work import Size, Work
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.distributed.launcher import RankPlace
from grice_core.dpo.distributed.process_group import RankInfo, free_port, process_group
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.train import StageTrainer
from grice_core.parent import PARENT, die_with_parent
from grice_core.pipeline.preparing import prepare_stage
from grice_core.progress import Reporter
from grice_core.recipes.config import FsdpSettings, ParallelSettings

COUNT = 2
NUM_PAIRS = 8
LONGEST_WAIT_S = 10.0
"""For a rank to end after another has failed."""

Kind = Literal["DDP", "FSDP"]
Backend = Literal["nccl", "gloo"]
KINDS: tuple[Kind, ...] = ("DDP", "FSDP")


@dataclass(frozen=True)
class Rank:
    """What a process is given."""

    index: int
    ports: tuple[int, ...]
    """A group's for each kind."""
    work: Work
    backend: Backend

    @property
    def device(self) -> torch.device:
        """A GPU of its own if there are enough, else the first one."""
        if self.work.device == "cpu":
            return torch.device("cpu")
        return torch.device("cuda", self.index if torch.cuda.device_count() >= COUNT else 0)

    def outcome(self, kind: Kind) -> Path:
        """Where it writes what it came to, pickled: what it trained, or a message."""
        return self.work.home / f"{kind}-{self.backend}-{self.index}.pkl"


def check_ranks(setting: Setting, size: Size) -> Iterator[Row]:
    """DDP, then FSDP; on one GPU also through gloo, since NCCL may refuse to share it."""
    work = setting.work(size, "fp32", NUM_PAIRS, f"ranks-{size}", gradient_checkpointing="off")
    exact = train(work)
    on_cpu = setting.torch_device.type == "cpu"
    shares = not on_cpu and torch.cuda.device_count() < COUNT
    where = "CPU" if on_cpu else "one GPU" if shares else "a GPU each"
    backends: tuple[Backend, ...] = (
        ("gloo",) if on_cpu else ("nccl", "gloo") if shares else ("nccl",)
    )
    for backend in backends:
        for kind, found in _together(work, backend):
            what = f"{COUNT} processes, {kind}, {backend}, {where}"
            if isinstance(found, Trained):
                yield from compared(f"{size}, fp32", what, found, exact)
            elif shares:
                yield skipped(f"{size}, fp32", what, found)
            else:
                yield Row(f"{size}, fp32", what, state="failed", note=found)


def _together(work: Work, backend: Backend) -> Iterator[tuple[Kind, Trained | str]]:
    """What rank 0 trained in each way, or why it did not."""
    ports = tuple(free_port() for _ in KINDS)
    ranks = [Rank(index, ports, work, backend) for index in range(COUNT)]
    spawn = get_context("spawn")
    processes = [spawn.Process(target=_take_part, args=(rank, os.getpid())) for rank in ranks]
    for process in processes:
        process.start()
    _wait(processes)
    for kind in KINDS:
        outcomes = [_read(rank.outcome(kind)) for rank in ranks]
        messages = [each for each in outcomes if isinstance(each, str)]
        yield kind, messages[0] if messages else outcomes[0]


def _wait(processes: list[Any]) -> None:
    """Until all have ended; one that outlasts another's failure is killed."""
    while all(process.exitcode in (None, 0) for process in processes):
        if all(process.exitcode == 0 for process in processes):
            return
        wait([process.sentinel for process in processes if process.exitcode is None])
    ends = time.monotonic() + LONGEST_WAIT_S
    for process in processes:
        process.join(max(0.0, ends - time.monotonic()))
        process.kill()
        process.join()


def _read(path: Path) -> Trained | str:
    if not path.exists():
        return "not tried: its processes had ended"
    outcome: Trained | str = pickle.loads(path.read_bytes())  # noqa: S301 - our own child's
    return outcome


def _take_part(rank: Rank, parent: int) -> None:
    """Train as one of them, in each way."""
    os.environ[PARENT] = str(parent)
    die_with_parent()
    hush()
    for kind, port in zip(KINDS, rank.ports, strict=True):
        try:
            outcome: Trained | str = _trained(rank, kind, port)
        except Exception as error:
            outcome = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        rank.outcome(kind).write_bytes(pickle.dumps(outcome))
        if isinstance(outcome, str):
            os._exit(1)  # a broken group may wait for ever in its end


def _trained(rank: Rank, kind: Kind, port: int) -> Trained:
    settings = ParallelSettings(fsdp=FsdpSettings() if kind == "FSDP" else None)
    work = replace(rank.work, device=str(rank.device), home=rank.work.home / str(rank.index))
    if rank.device.type == "cuda":
        torch.cuda.set_device(rank.device)
    given = give(work, lambda _: None)
    job = stage_job(given)
    prepared = prepare_stage(given.base, job, Reporter())
    trainer = prepared.trainer
    if settings.fsdp:
        trainer = _whole_again(work, trainer, settings.fsdp)
    losses: list[float] = []
    reporter = Reporter(on_step=lambda record: losses.append(record["loss"]))
    before = adapter_of(trainer.parameters)
    info = RankInfo(RankPlace(rank.index, COUNT, port), rank.device, rank.backend)
    with process_group(info, trainer.policy, settings) as ranks:
        trainer.share_with(ranks)
        num_steps = prepared.encoded.planned.num_steps
        trainer.run(num_steps, job.seed, reporter if rank.index == 0 else None)
        return Trained(losses, adapter_of(trainer.parameters) - before)


def _whole_again(work: Work, whole: StageTrainer, settings: FsdpSettings) -> StageTrainer:
    """The same trainer on a base of which nothing was made for one process, to be sharded."""
    policy = add_adapter(give(work, lambda _: None).base, work.stage.lora, seed=0, fuses=False)
    budget = TokenBudget(settings.tokens_per_pass, may_shrink=False)
    compute = replace(whole.compute, head=None, budget=budget)
    return StageTrainer(policy, whole.config, whole.examples, whole.ref_logps, compute)
