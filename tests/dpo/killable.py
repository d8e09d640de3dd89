"""A training run that kills its own process at any moment that matters, as a crash would."""

import itertools
import os
import signal
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch.distributed.tensor import DTensor

from grice_core.dpo.adapters import adapter_of, save_adapter
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.checkpointing.history import HistoryFile
from grice_core.dpo.checkpointing.resume import CheckpointPlan
from grice_core.dpo.distributed.process_group import LostRankError, RankInfo, process_group
from grice_core.dpo.examples import Compute
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.reference import reference_logps
from grice_core.dpo.train import StageTrainer
from grice_core.files import atomic_folder
from grice_core.progress import Reporter
from grice_core.recipes.config import FsdpSettings, ParallelSettings
from tests.dpo import tiny

NUM_STEPS = 10
EVERY = 3
LOST = 75
"""Exit status of a rank that noticed another one's end."""
CPU = tiny.torch.device("cpu")
WHOLE = ParallelSettings()
SMALL_PASS = 40
"""Tokens of a pass that holds one or two of the pairs."""


class Moments:
    """Counts the moments of a run, and ends the process at one of them without any clean-up."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last

    def pass_one(self, *_: object) -> None:
        self.count += 1
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, function):
        """The function with a moment before each call."""

        def passing(*args):
            self.pass_one()
            return function(*args)

        return passing


def new_trainer(
    num_train: int = 10, dropout: float = 0.3, *, fuses: bool = True, **compute
) -> StageTrainer:
    """A stage with dropout, so that losses depend on random draws too, and with a loss that needs lengths of
    the whole step."""
    lora = {"r": 4, "alpha": 8, "dropout": dropout, "target_modules": ("c_attn",)}
    loss = {"loss_type": "sigmoid_norm", "sft_weight": 0.1, "beta": 1.0}
    config = tiny.stage(lora=lora, eval_steps=4, **loss)
    examples, how = tiny.examples(num_train), Compute(CPU, **compute)
    policy = add_adapter(tiny.base(tiny.gpt2()), config.lora, seed=0, fuses=fuses)
    ref_logps = reference_logps(policy, examples.pairs, how)
    return StageTrainer(policy, config, examples, ref_logps, how)


def choosing_trainer(num_train: int = 10, *, fuses: bool = True, **compute) -> StageTrainer:
    """A stage that keeps the best of three looks, and ends at the third, which finds another one undone."""
    config = tiny.stage(
        eval_steps=2, keep="best", stop_when_retention_lost=True, learning_rate=2e-3
    )
    examples, how = tiny.opposed(10), Compute(CPU, **compute)
    examples = replace(examples, train=examples.train[:num_train])
    policy = add_adapter(tiny.base(tiny.gpt2()), config.lora, seed=0, fuses=fuses)
    ref_logps = reference_logps(policy, examples.pairs, how)
    return StageTrainer(policy, config, examples, ref_logps, how)


def train_choosing(folder: Path, last: int | None = None) -> None:
    """The same with a stage that keeps its best step and ends early."""
    train(folder, last, make=choosing_trainer)


def train(folder: Path, last: int | None = None, *, resume: bool = True, make=new_trainer) -> None:
    """Train to the end, or to the moment of this number: a step, or a part of a checkpoint."""
    moments = Moments(last)
    # A checkpoint is files forced to disk one by one, then a new name, then that forced to disk.
    os.fsync = moments.before(os.fsync)
    os.rename = moments.before(os.rename)
    trainer = make()
    train_to_the_end(trainer, folder, moments.pass_one, resume=resume)
    (folder / "moments").write_text(str(moments.count))


def train_to_the_end(trainer: StageTrainer, folder: Path, pass_one, *, resume: bool = True) -> None:
    """Train as rank 0, which writes."""
    plan = CheckpointPlan(folder / "checkpoints", "base", every=EVERY, resume=resume)
    with HistoryFile(folder / "history.jsonl") as history:

        def on_step(record):
            history.append(record)
            pass_one()

        reporter = Reporter(
            on_step=on_step,
            on_start=lambda step, _: history.truncate_after(step),
            on_checkpoint=history.sync,
            say=lambda sentence: print(sentence, file=(folder / "said").open("a")),
        )
        trainer.run(NUM_STEPS, 0, reporter, plan)
    with atomic_folder(folder / "final_model") as final_model:
        save_adapter(adapter_of(trainer.policy), final_model)


def take_part(
    folder: Path,
    info: RankInfo,
    last: tuple[int, int] | None = None,
    settings: ParallelSettings = WHOLE,
    budget: TokenBudget | None = None,
    make=new_trainer,
) -> None:
    """Train as one of several ranks; `last` is the rank that kills itself, and after which step.

    Nine pairs in steps of four: each third step leaves all ranks but one without a pair.
    """
    whole = settings.fsdp is None
    trainer = make(num_train=9, fuses=whole, budget=budget or TokenBudget())
    taken = itertools.count(1)
    update = trainer._update

    def counted(*told):
        if last == (info.index, next(taken)):
            os.kill(os.getpid(), signal.SIGKILL)
        return update(*told)

    trainer._update = counted
    try:
        with process_group(info, trainer.policy, settings) as ranks:
            trainer.share_with(ranks)
            held = sum(
                (weight.to_local() if isinstance(weight, DTensor) else weight).numel()
                for weight in trainer.policy.parameters()
                if not weight.requires_grad
            )
            if info.index == 0:
                train_to_the_end(trainer, folder, lambda: None)
            else:
                trainer.run(NUM_STEPS, 0)
            margins = trainer.reward_margins(trainer.preferences())
    except LostRankError:
        sys.exit(LOST)
    np.savez(folder / f"rank-{info.index}", margins=margins, held=held)


def take_part_choosing(folder: Path, info: RankInfo, last: tuple[int, int] | None) -> None:
    """The same with a stage that keeps its best step and ends early."""
    take_part(folder, info, last, make=choosing_trainer)


def take_part_in_small_passes(folder: Path, info: RankInfo, last: tuple[int, int] | None) -> None:
    """The same in passes of a pair or two."""
    take_part(folder, info, last, WHOLE, TokenBudget(SMALL_PASS))


def take_part_in_shards(folder: Path, info: RankInfo, last: tuple[int, int] | None) -> None:
    """The same, each rank with its part of the base."""
    settings = ParallelSettings(fsdp=FsdpSettings())
    take_part(folder, info, last, settings, TokenBudget(SMALL_PASS, may_shrink=False))


def take_part_where_memory_is_short(folder: Path, info: RankInfo, scarce: int | None) -> None:
    """Take steps as one of several ranks, of which the last has memory for so many tokens at once.

    Without dropout, whose draws depend on what is run together.
    """
    trainer = new_trainer(num_train=8, dropout=0.0)
    short = scarce is not None and info.index == info.count - 1
    memory = tiny.memory_for(trainer.policy.get_base_model(), scarce) if short else nullcontext()
    with memory, process_group(info, trainer.policy, WHOLE) as ranks:
        trainer.share_with(ranks)
        steps = [
            trainer.take_step(np.arange(4) + 4 * (step % 2), step, NUM_STEPS, seed=0)
            for step in range(4)
        ]
    losses = [[step["loss"], step["grad_norm"]] for step in steps]
    np.savez(folder / f"rank-{info.index}", losses=losses, budget=trainer.compute.budget.tokens)
