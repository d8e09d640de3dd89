"""The training loop of one stage."""

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from peft import PeftModel

from grice_core.data.pairs import FloatArray, IntArray
from grice_core.dpo.budget import SmallerPassesError
from grice_core.dpo.checkpointing.checkpoint import Checkpoint
from grice_core.dpo.checkpointing.fingerprint import Fingerprint, fingerprint
from grice_core.dpo.checkpointing.resume import (
    CheckpointKeeper,
    CheckpointPlan,
    TrainedTensors,
    TrainerState,
)
from grice_core.dpo.determinism import deterministic
from grice_core.dpo.distributed.dropout_slices import slice_dropout
from grice_core.dpo.distributed.ranks import Ranks
from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.examples import Compute, ReferenceLogps, StageExamples, StagePreferences
from grice_core.dpo.loss import StageLoss
from grice_core.dpo.metrics import Metrics, PairMeans
from grice_core.dpo.policy import train_adapter_only
from grice_core.dpo.prefix_trees import micro_batches
from grice_core.dpo.preflight import check_learning
from grice_core.dpo.runner import PairRunner, added_up
from grice_core.dpo.schedules import beta_at, final_beta, learning_rate, step_batches
from grice_core.dpo.step_choice import Look, StepChoice, StepRule
from grice_core.errors import InterruptedRunError, TrainingError
from grice_core.progress import Reporter
from grice_core.recipes.config import StageConfig


@dataclass(frozen=True)
class StageOutcome:
    """What training a stage came to."""

    num_steps: int
    """Optimizer steps taken."""
    before: Metrics = field(default_factory=dict)
    """Metrics of the watched pairs before the first step."""
    after: Metrics = field(default_factory=dict)
    """Metrics of the watched pairs after the step whose adapter the policy has now."""
    choice: StepChoice | None = None
    """Which step that is, if not simply the last one."""

    @property
    def kept_step(self) -> int:
        """The step whose adapter the policy has now."""
        return self.num_steps if self.choice is None else self.choice.step


@dataclass(frozen=True)
class _StepWork:
    """What a rank has done for a step, besides the gradients."""

    means: PairMeans
    num_tokens: int


class StageTrainer:
    """Trains the adapter of one stage; the policy changes in place."""

    def __init__(
        self,
        policy: PeftModel,
        config: StageConfig,
        examples: StageExamples,
        ref_logps: ReferenceLogps,
        compute: Compute,
    ) -> None:
        self.config = config
        self.runner = PairRunner(policy, StageLoss.of(config), examples, ref_logps, compute)
        trainable = {n: p for n, p in policy.named_parameters() if p.requires_grad}
        self.parameters = list(trainable.values())
        """The adapter's."""
        self._optimizer = torch.optim.AdamW(
            self.parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self._tensors = TrainedTensors(trainable, self._optimizer, ref_logps)
        self._rule = StepRule.of(config, examples) if config.keep == "best" else None

    @property
    def policy(self) -> PeftModel:
        return self.runner.policy

    @property
    def examples(self) -> StageExamples:
        return self.runner.examples

    @property
    def ref_logps(self) -> ReferenceLogps:
        """Log-probabilities of the examples under the reference."""
        return self.runner.ref_logps

    @property
    def compute(self) -> Compute:
        return self.runner.compute

    def share_with(self, ranks: Ranks) -> None:
        """Work together with the same trainer in other processes from now on.

        All must make the same calls; only rank 0 is given reporter and checkpoints.
        """
        self.runner.ranks = ranks
        self._tensors = replace(self._tensors, num_processes=ranks.count)
        slice_dropout(self.policy)

    def run(
        self,
        num_steps: int,
        seed: int,
        reporter: Reporter | None = None,
        checkpoints: CheckpointPlan | None = None,
    ) -> StageOutcome:
        """Take this many optimizer steps, those included that a checkpoint already holds.

        Fewer, if the stage is to end where retention is lost. The policy has the adapter of the step that the
        stage keeps then.

        Raises: TrainingError (NaN, nothing learned), InterruptedRunError, InputError (the checkpoint
        is another run's), OutputError (a checkpoint can't be written).
        """
        reporter = reporter or Reporter(say=logging.getLogger(__name__).warning)
        batches = step_batches(
            len(self.examples.train), self.config.pairs_per_step, num_steps, seed
        )
        keeper = None
        if checkpoints:
            must_match = self.must_match(checkpoints.base_sha256, num_steps, seed)
            keeper = CheckpointKeeper(checkpoints, self._tensors, must_match, reporter)
        state = self._begin(keeper)
        reporter.on_start(state.step, state.before)
        while not self._has_ended(state, num_steps):
            step = state.step
            if self.runner.ranks.broadcast(reporter.should_stop()):
                if keeper:
                    keeper.save(state)
                raise InterruptedRunError(_how_to_continue(state, num_steps, bool(keeper)))

            if keeper:
                keeper.keep_anchor(state)
            record = self.take_step(self.examples.train[batches[step]], step, num_steps, seed)
            # In lockstep rank 0 can't run a pass alone.
            if step == 0 and (self.runner.ranks.index == 0 or self.runner.ranks.lockstep):
                check_learning(self.policy, self.examples, self.compute)
            state = replace(state, step=step + 1)

            if state.step % self.config.eval_steps == 0 or state.step == num_steps:
                state = self._look(state)
                record |= state.watched
            reporter.on_step(record)
            reporter.progress(self.config.name, state.step, num_steps)
            if keeper and (keeper.is_due(state) or self._has_ended(state, num_steps)):
                keeper.save(state)
        return self._outcome(state, num_steps)

    def _begin(self, keeper: CheckpointKeeper | None) -> TrainerState:
        """The state to resume from, or the initial one; rank 0's on every rank."""
        state = keeper.restore() if keeper else None
        if self.runner.ranks.count > 1:
            checkpoint = self._tensors.checkpoint(state or TrainerState(), {})
            state, checkpoint = self.runner.ranks.broadcast((state, checkpoint))
            self._tensors.load(checkpoint)
        if state is None:
            before = self.measure()
            state = TrainerState(0, before, before)
        return state

    def _look(self, state: TrainerState) -> TrainerState:
        """Measure the watched pairs; remember the adapter if no step before it was better."""
        state = replace(state, watched=self.measure())
        if self._rule is None:
            return state
        looks = (*state.looks, Look(state.step, state.watched))
        best = self._rule.best(looks)
        if best is not None and best.step == state.step:
            self._tensors.remember_best()
        return replace(state, looks=looks)

    def _has_ended(self, state: TrainerState, num_steps: int) -> bool:
        return state.step == num_steps or (
            self._rule is not None and self._rule.has_ended(state.looks)
        )

    def _outcome(self, state: TrainerState, num_steps: int) -> StageOutcome:
        """What the stage came to; the policy gets the adapter that it keeps."""
        if self._rule is None:
            return StageOutcome(state.step, state.before, state.watched)
        self._tensors.put_best()
        choice = self._rule.choice(state.looks, state.step, num_steps)
        after = next(look.watched for look in state.looks if look.step == choice.step)
        return StageOutcome(state.step, state.before, after, choice)

    def load(self, checkpoint: Checkpoint) -> None:
        """Let adapter, optimizer and reference be those of a checkpoint."""
        self._tensors.load(checkpoint)

    def must_match(self, base_sha256: str, num_steps: int, seed: int) -> Fingerprint:
        """Everything that decides what is learned from weights with this hash."""
        return fingerprint(
            self.config, self.examples, self.compute, base_sha256, steps=num_steps, seed=seed
        )

    def measure(self) -> Metrics:
        """Metrics of the watched pairs, as `heldout/rewards/accuracies` and so on.

        With the last step's beta, so that a ramp doesn't look like progress.
        """
        return self.runner.measure(final_beta(self.config), with_gains=self._rule is not None)

    def preferences(self) -> StagePreferences:
        """What this stage is trained on."""
        train = self.examples.train
        reference = self.ref_logps.at(train, torch.device("cpu")).margin
        return StagePreferences(
            tuple(self.runner.pairs(train)),
            self.examples.margins[train],
            reference.numpy().astype(np.float64),
            final_beta(self.config),
        )

    def reward_margins(self, preferences: StagePreferences) -> FloatArray:
        """(n,) implicit reward margins β · Δ of the policy as it is, against their stage's reference."""
        return self.runner.reward_margins(preferences)

    def take_step(self, batch: IntArray, step: int, num_steps: int, seed: int) -> Metrics:
        """One optimizer step over these pairs, in as many passes as memory asks for.

        Returns the step's record. Raises: TrainingError.
        """
        started = time.perf_counter()
        beta = beta_at(self.config, step, num_steps)
        with deterministic():
            work = self._add_gradients(batch, beta, (seed << 32) + step)
            metrics = work.means.means()
            update = self._update(metrics["loss"], step, num_steps)
        return {
            "step": step + 1,
            **metrics,
            "beta": beta,
            **update,
            "tokens_per_s": work.num_tokens / (time.perf_counter() - started),
        }

    def _add_gradients(self, batch: IntArray, beta: float, seed: int) -> _StepWork:
        """Forward, loss, backward over a step's pairs, on all ranks; again where memory ran out."""
        train_adapter_only(self.policy)
        while True:
            own: _StepWork | None = None
            with suppress(SmallerPassesError):  # perhaps after some of the gradient was added up
                own = self._run_passes(batch, beta, seed)
            works = self.runner.ranks.all_gather(own)
            done = [work for work in works if work]
            if len(done) == len(works):
                self.runner.ranks.all_reduce_gradients()
                means = added_up([work.means for work in done])
                return _StepWork(means, sum(work.num_tokens for work in done))
            self._optimizer.zero_grad(set_to_none=True)
            self.runner.agree_on_budget()

    def _run_passes(self, batch: IntArray, beta: float, seed: int) -> _StepWork:
        """This rank's part of each pass of a step.

        Raises: SmallerPassesError, TrainingError.
        """
        means, num_tokens = PairMeans(), 0
        # The step's loss is the mean over its pairs, however many fit into one pass.
        for number, places in enumerate(
            micro_batches(self.runner.pairs(batch), self.compute.budget.tokens)
        ):
            # LoRA dropout is seeded by (seed, step, pass): no generator state to save and restore.
            torch.manual_seed(seed ^ (number << 48))
            group = self.runner.own(batch[places])
            if not len(group):
                if self.runner.ranks.lockstep:
                    self.runner.idle_pass(self.runner.pairs(batch[places])).backward()  # type: ignore[no-untyped-call]
                continue
            with (
                self.compute.checkpointing(),
                self.compute.budget.guard(self.runner.pairs(group)),
                self.runner.dropping_part_of(batch[places]),
            ):
                loss = self.runner.losses(group, batch, beta, means) / len(batch)
                loss.backward()  # type: ignore[no-untyped-call]
            num_tokens += sum(map(_num_tokens, self.runner.pairs(group)))
        return _StepWork(means, num_tokens)

    def _update(self, loss: float, step: int, num_steps: int) -> Metrics:
        """Clip, step, report. Raises: TrainingError."""
        rate = learning_rate(self.config, step, num_steps)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.config.max_grad_norm))
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise TrainingError(
                f"{self.config.name}: {_not_finite(loss, norm)} since step {step + 1}: lower the "
                f"learning rate (learning_rate is {self.config.learning_rate:g})"
            )
        for parameters in self._optimizer.param_groups:
            parameters["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return {"learning_rate": rate, "grad_norm": norm}


def _num_tokens(pair: EncodedPair) -> int:
    return len(pair.prompt) + len(pair.chosen) + len(pair.rejected)


def _not_finite(loss: float, norm: float) -> str:
    """What has blown up: the loss, or while that is still a number, its gradient."""
    name, value = ("the gradient of the loss", norm) if math.isfinite(loss) else ("loss", loss)
    return f"{name} is {'NaN' if math.isnan(value) else 'infinite'}"


def _how_to_continue(state: TrainerState, num_steps: int, saved: bool) -> str:
    where = f"stopped before step {state.step + 1} of {num_steps}"
    return f"{where}: rerun with --resume to continue from there" if saved else where
