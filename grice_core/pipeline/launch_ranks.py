"""The other processes of a stage's training: started, joined into a group, and ended with this one.

This process is rank 0 and continues as if it were alone; the others (`python -m grice_core.pipeline.rank_main`)
load the same base, are given the same examples, and make the same calls. They ask no one, write nothing,
and don't outlive it.
"""

import os
import pickle
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.examples import Compute, ReferenceLogps, StageExamples
from grice_core.dpo.head import prepacked_head
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.reference import weights_hash
from grice_core.dpo.train import StageTrainer
from grice_core.errors import InputError, LostProcessError, ModelError
from grice_core.kernels.stored import weights_dtype
from grice_core.parent import how_it_ended, start_child
from grice_core.pipeline.options import NumProcesses
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.preparing import PreparedStage
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter
from grice_core.recipes.config import ParallelSettings, StageConfig

READY = b"ready\n"
"""What another rank says once it has loaded everything."""
LOST_ANOTHER = 75
"""Exit status of a rank that ended since another one had."""

_MODULE = ["-m", "grice_core.pipeline.rank_main"]
_LONGEST_END_S = 30.0
_LONGEST_NOTICE_S = 0.5


@dataclass(frozen=True, eq=False)
class RankJob:
    """What another rank gets, pickled, on its standard input."""

    index: int
    count: int
    port: int
    settings: ParallelSettings
    base: str
    output: OutputFolder
    after: str | None
    """Stage whose published model this one starts from; None: the plain base."""
    base_sha256: str
    """Of the weights that the stage starts from."""
    base_dtype: torch.dtype
    """In which they are held."""
    config: StageConfig
    examples: StageExamples
    ref_logps: ReferenceLogps
    compute: Compute
    num_steps: int
    seed: int

    def trainer(self) -> StageTrainer:
        """The same trainer as rank 0's.

        Raises: ModelError.
        """
        models = StageModels(self.base, self.compute.device, self.output, self.base_dtype)
        base = models.after(self.after)
        if weights_hash(base.model) != self.base_sha256:
            raise ModelError(
                f"the weights of {self.base} are not those that this run began with: "
                "don't change the folder while a run uses it"
            )
        whole = self.settings.fsdp is None
        policy = add_adapter(base, self.config.lora, self.seed, fuses=whole)
        compute = replace(self.compute, head=prepacked_head(policy) if whole else None)
        return StageTrainer(policy, self.config, self.examples, self.ref_logps, compute)


def count_processes(choice: NumProcesses, device: torch.device) -> int:
    """How many processes a choice means on this device; one where a certain GPU was asked for."""
    if choice != "auto":
        return choice
    has_all_gpus = device.type == "cuda" and device.index is None
    return max(1, torch.cuda.device_count()) if has_all_gpus else 1


def check_several(count: int, device: torch.device, settings: ParallelSettings) -> None:
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
    if count > torch.cuda.device_count():
        raise InputError(
            f"--num-processes {count} takes one GPU each, and torch sees "
            f"{torch.cuda.device_count()}: give at most that many"
        )


@contextmanager
def shared_work(
    prepared: PreparedStage, job: StageJob, reporter: Reporter
) -> Iterator[StageTrainer]:
    """The stage's trainer, with the other ranks at work with it if the run has any.

    Raises: TrainingError, if one of them ends before it should.
    """
    if job.num_processes == 1:
        if job.parallel.fsdp:
            reporter.say(
                f"{job.name}: one process, so it holds the whole base in spite of parallel.fsdp"
            )
        yield prepared.trainer
        return
    from grice_core.dpo.distributed.process_group import (
        LostRankError,
        RankInfo,
        free_port,
        process_group,
    )

    threads = torch.get_num_threads()
    each = max(1, threads // job.num_processes) if job.device.type == "cpu" else threads
    holding = " with a part of the base" if job.parallel.fsdp else ""
    reporter.say(f"{job.name}: {job.num_processes} processes{holding}, {each} threads each")
    info = RankInfo(0, job.num_processes, free_port(), job.device)
    rank_job = _rank_job(prepared, job, info.port)
    with ExitStack() as stack:
        others = stack.enter_context(_others(rank_job, each))
        trainer = prepared.trainer
        if job.parallel.fsdp:
            trainer = stack.enter_context(_to_be_sharded(prepared.trainer, rank_job))
        others.wait_until_ready()
        torch.set_num_threads(each)
        stack.callback(torch.set_num_threads, threads)
        try:
            with process_group(info, trainer.policy, job.parallel) as ranks:
                trainer.share_with(ranks)
                yield trainer
        except LostRankError as error:
            raise others.lost(str(error)) from error


@contextmanager
def _to_be_sharded(whole: StageTrainer, rank_job: RankJob) -> Iterator[StageTrainer]:
    """Another trainer in the place of this one, whose base has to stay in one piece for what follows."""
    device = whole.compute.device
    whole.policy.to("cpu")
    try:
        yield rank_job.trainer()
    finally:
        whole.policy.to(device)


class _Others:
    """The processes of the other ranks."""

    def __init__(self, processes: list["subprocess.Popen[bytes]"], logs: list[Path]) -> None:
        self._processes = processes
        self._logs = logs

    def wait_until_ready(self) -> None:
        """Raises: TrainingError, if one ends instead."""
        for process in self._processes:
            assert process.stdout is not None  # noqa: S101
            if READY not in iter(process.stdout.readline, b""):
                raise self.lost("a process ended before it could begin")

    def lost(self, noticed: str) -> LostProcessError:
        """Which one ended, and how."""
        endings = []
        for index, process in enumerate(self._processes, 1):
            with suppress(subprocess.TimeoutExpired):  # else it has not ended, or not yet
                status = process.wait(_LONGEST_NOTICE_S)
                if status not in (0, LOST_ANOTHER):
                    endings.append((index, status))
        if not endings:
            return LostProcessError(noticed)
        index, status = endings[0]
        how = how_it_ended(status) if status < 0 else f"ended: {_last_line(self._logs[index - 1])}"
        return LostProcessError(f"process {index + 1} of {len(self._processes) + 1} {how}")


@contextmanager
def _others(rank_job: RankJob, num_threads: int) -> Iterator[_Others]:
    """The other ranks' processes, with the same job as rank 0; they have ended when the block has."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(num_threads)}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        processes, logs = [], []
        for index in range(1, rank_job.count):
            logs.append(Path(folder) / f"rank-{index}.log")
            log = stack.enter_context(logs[-1].open("wb"))
            process = start_child(
                _MODULE, environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
            stack.callback(_end, process)
            processes.append(process)
            _tell(
                process, replace(rank_job, index=index, compute=_compute(rank_job.compute, index))
            )
        yield _Others(processes, logs)
        for process in processes:  # the work is done, they are about to end
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LONGEST_END_S)


def _rank_job(prepared: PreparedStage, job: StageJob, port: int) -> RankJob:
    trainer = prepared.trainer
    return RankJob(
        index=0,
        count=job.num_processes,
        port=port,
        settings=job.parallel,
        base=prepared.base,
        output=job.output,
        after=job.earlier[-1].config.name if job.earlier else None,
        base_sha256=prepared.reference_sha256,
        base_dtype=weights_dtype(trainer.policy),
        config=trainer.config,
        examples=trainer.examples,
        ref_logps=trainer.ref_logps,
        compute=replace(
            trainer.compute, budget=_budget(trainer.compute.budget, job.parallel), head=None
        ),
        num_steps=prepared.encoded.planned.num_steps,
        seed=job.seed,
    )


def _compute(first: Compute, index: int) -> Compute:
    """How another rank computes: as rank 0 does, on a GPU of its own."""
    device = torch.device("cuda", index) if first.device.type == "cuda" else first.device
    budget = TokenBudget(first.budget.tokens, may_shrink=first.budget.may_shrink)
    return replace(first, device=device, budget=budget)


def _budget(budget: TokenBudget, settings: ParallelSettings) -> TokenBudget:
    """Of rank 0's passes."""
    if settings.fsdp is None:
        return budget
    return TokenBudget(settings.fsdp.tokens_per_pass, may_shrink=False, say=budget.say)


def _tell(process: "subprocess.Popen[bytes]", job: RankJob) -> None:
    assert process.stdin is not None  # noqa: S101
    with suppress(BrokenPipeError):  # it has ended, which is noticed when it should be ready
        pickle.dump(job, process.stdin)
        process.stdin.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
