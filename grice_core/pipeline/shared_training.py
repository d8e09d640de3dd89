"""A stage's training by all ranks of a run, as rank 0 does it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch

from grice_core.dpo.train import StageTrainer
from grice_core.pipeline.launch_ranks import other_ranks
from grice_core.pipeline.preparing import PreparedStage
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter

if TYPE_CHECKING:
    from grice_core.pipeline.rank_training import TrainingWork


@contextmanager
def shared_work(
    prepared: PreparedStage, job: StageJob, reporter: Reporter
) -> Iterator[StageTrainer]:
    """The stage's trainer, with the other ranks at work with it if the run has any.

    Raises: LostProcessError, if one of them ends before it should; InterruptedRunError.
    """
    if job.num_processes == 1:
        if job.parallel.fsdp:
            reporter.say(
                f"{job.name}: one process, so it holds the whole base in spite of parallel.fsdp"
            )
        yield prepared.trainer
        return
    from grice_core.dpo.distributed.process_group import LostRankError, process_group
    from grice_core.pipeline.rank_training import TrainingWork

    with ExitStack() as stack:
        others = stack.enter_context(other_ranks(job.num_processes, job.launched, job.device))
        holding = " with a part of the base" if job.parallel.fsdp else ""
        reporter.say(
            f"{job.name}: {job.num_processes} processes{holding}, {torch.get_num_threads()} threads each"
        )
        work = TrainingWork.of(prepared, job)
        others.give(work.for_others())
        trainer = prepared.trainer
        if job.parallel.fsdp:
            trainer = stack.enter_context(_to_be_sharded(trainer, work))
        others.wait_until_ready(reporter.should_stop)
        try:
            with process_group(others.info(job.device), trainer.policy, job.parallel) as ranks:
                trainer.share_with(ranks)
                yield trainer
        except LostRankError as error:
            raise others.lost(str(error)) from error


@contextmanager
def _to_be_sharded(whole: StageTrainer, work: "TrainingWork") -> Iterator[StageTrainer]:
    """Another trainer in the place of this one, whose base has to stay in one piece for what follows."""
    device = whole.compute.device
    whole.policy.to("cpu")
    try:
        with work.trainer(work.compute) as trainer:
            yield trainer
    finally:
        whole.policy.to(device)
