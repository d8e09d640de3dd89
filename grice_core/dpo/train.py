"""The training loop of one stage."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from peft import PeftModel

from grice_core.data.pairs import FloatArray, IntArray
from grice_core.dpo.budget import SmallerPassesError
from grice_core.dpo.determinism import deterministic
from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.examples import Compute, Lesson, ReferenceLogps, StageExamples
from grice_core.dpo.fingerprint import Fingerprint, fingerprint
from grice_core.dpo.logps import pair_logps
from grice_core.dpo.loss import dpo_losses
from grice_core.dpo.metrics import Metrics, PairMeans, add_accuracies, add_batch
from grice_core.dpo.policy import train_adapter_only
from grice_core.dpo.preflight import check_learning
from grice_core.dpo.ranks import Ranks
from grice_core.dpo.resume import CheckpointKeeper, CheckpointPlan, Standing, TrainingState
from grice_core.dpo.schedules import beta_at, final_beta, learning_rate, step_batches
from grice_core.dpo.trees import micro_batches
from grice_core.dpo.watchers import Watchers
from grice_core.dpo.windows import draw_for_windows, drawing_for, window
from grice_core.errors import InterruptedRunError, TrainingError
from grice_core.recipes.config import StageConfig


@dataclass(frozen=True)
class StageOutcome:
    """What training a stage came to."""

    num_steps: int
    before: Metrics = field(default_factory=dict)
    """Metrics of the watched pairs before the first step."""
    after: Metrics = field(default_factory=dict)
    """Metrics of the watched pairs after the last step."""


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
        known: ReferenceLogps,
        compute: Compute,
    ) -> None:
        self.policy = policy
        self.config = config
        self.examples = examples
        self.known = known
        self.compute = compute
        trainable = {n: p for n, p in policy.named_parameters() if p.requires_grad}
        self.parameters = list(trainable.values())
        """The adapter's."""
        self._optimizer = torch.optim.AdamW(
            self.parameters, lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._state = TrainingState(trainable, self._optimizer, known)
        self._ranks = Ranks()

    def share_with(self, ranks: Ranks) -> None:
        """Work together with the same trainer in other processes from now on.

        They have to make the same calls; only rank 0 is told of watchers and checkpoints.
        """
        self._ranks = ranks
        self._state = replace(self._state, num_processes=ranks.count)
        draw_for_windows(self.policy)

    def run(
        self,
        num_steps: int,
        seed: int,
        watchers: Watchers | None = None,
        checkpoints: CheckpointPlan | None = None,
    ) -> StageOutcome:
        """Take this many optimizer steps, those included that a checkpoint already holds.

        Raises: TrainingError (NaN, nothing learned), InterruptedRunError, InputError (the checkpoint
        is another run's), OutputError (a checkpoint can't be written).
        """
        watchers = watchers or Watchers()
        batches = step_batches(
            len(self.examples.train), self.config.pairs_per_step, num_steps, seed
        )
        keeper = None
        if checkpoints:
            must_match = self._must_match(checkpoints, num_steps, seed)
            keeper = CheckpointKeeper(checkpoints, self._state, must_match, watchers)
        standing = self._begin(keeper)
        watchers.on_start(standing.step, standing.before)
        for step in range(standing.step, num_steps):
            if self._ranks.first(watchers.should_stop()):
                if keeper:
                    keeper.save(standing)
                raise InterruptedRunError(_how_to_go_on(standing, num_steps, bool(keeper)))

            record = self.take_step(self.examples.train[batches[step]], step, num_steps, seed)
            if step == 0 and self._ranks.index == 0:
                check_learning(self.policy, self.examples, self.compute)
            standing = replace(standing, step=step + 1)

            if standing.step % self.config.eval_every == 0 or standing.step == num_steps:
                standing = replace(standing, watched=self.measure())
                record |= standing.watched
            watchers.on_step(record)
            watchers.progress(self.config.name, standing.step, num_steps)
            if keeper and (keeper.is_due(standing) or standing.step == num_steps):
                keeper.save(standing)
        return StageOutcome(num_steps, standing.before, standing.watched)

    def _begin(self, keeper: CheckpointKeeper | None) -> Standing:
        """Where the run goes on, or its beginning; on every rank what rank 0 has."""
        standing = keeper.restore() if keeper else None
        if self._ranks.count > 1:
            state = self._state.checkpoint(standing or Standing(), {})
            standing, state = self._ranks.first((standing, state))
            self._state.load(state)
        if standing is None:
            before = self.measure()
            standing = Standing(0, before, before)
        return standing

    def _must_match(self, plan: CheckpointPlan, num_steps: int, seed: int) -> Fingerprint:
        return fingerprint(
            self.config,
            self.examples,
            self.compute,
            plan.base_sha256,
            steps=num_steps,
            seed=seed,
        )

    def measure(self) -> Metrics:
        """Metrics of the watched pairs, as `heldout/rewards/accuracies` and so on.

        With the last step's beta, so that a ramp doesn't look like progress.
        """
        self.policy.eval()
        metrics: Metrics = {}
        for name, indices in self.examples.watched.items():
            means = PairMeans()
            with torch.no_grad():
                self._each(
                    self._own(indices),
                    partial(self._losses, beta=final_beta(self.config), means=means),
                )
            metrics |= _added_up(self._ranks.gather(means)).means(f"{name}/")
        self._agree_on_budget()
        return metrics

    def lesson(self) -> Lesson:
        """What this stage is trained on."""
        train = self.examples.train
        reference = self.known.at(train, torch.device("cpu")).margin
        return Lesson(
            tuple(self._pairs(train)),
            self.examples.margins[train],
            reference.numpy().astype(np.float64),
            final_beta(self.config),
        )

    def reward_margins(self, lesson: Lesson) -> FloatArray:
        """(n,) implicit reward margins β · Δ of the policy as it is, against the lesson's reference."""
        self.policy.eval()
        margins = np.zeros(len(lesson.pairs))
        own = np.array(self._ranks.own(lesson.pairs), dtype=np.intp)

        def look(places: Sequence[int]) -> None:
            group = own[places]
            pairs = [lesson.pairs[index] for index in group]
            margin = pair_logps(self.policy, pairs, self.compute.passes).margin.double().cpu()
            margins[group] = lesson.beta * (margin.numpy() - lesson.reference[group])

        with torch.no_grad(), self.compute.autocast():
            self.compute.budget.each([lesson.pairs[index] for index in own], look)
        every: FloatArray = np.sum(self._ranks.gather(margins), axis=0)
        return every

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
            works = self._ranks.gather(own)
            done = [work for work in works if work]
            if len(done) == len(works):
                self._ranks.sum_gradients()
                means = _added_up([work.means for work in done])
                return _StepWork(means, sum(work.num_tokens for work in done))
            self._optimizer.zero_grad(set_to_none=True)
            self._agree_on_budget()

    def _run_passes(self, batch: IntArray, beta: float, seed: int) -> _StepWork:
        """This rank's part of each pass of a step.

        Raises: SmallerPassesError, TrainingError.
        """
        means, num_tokens = PairMeans(), 0
        # The step's loss is the mean over its pairs, however many fit into one pass.
        for number, places in enumerate(
            micro_batches(self._pairs(batch), self.compute.budget.tokens)
        ):
            # Each pass draws its LoRA dropout from (seed, step, pass): no stream to save and restore.
            torch.manual_seed(seed ^ (number << 48))
            group = self._own(batch[places])
            if not len(group):
                continue
            with self.compute.budget.guard(self._pairs(group)), self._part_of(batch[places]):
                loss = self._losses(group, beta, means) / len(batch)
                loss.backward()  # type: ignore[no-untyped-call]
            num_tokens += sum(self._num_tokens(index) for index in group)
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

    def _losses(self, group: IntArray, beta: float, means: PairMeans) -> torch.Tensor:
        """Summed loss of some training pairs, with gradient."""
        shares = torch.from_numpy(self.examples.shares[group]).to(self.compute.device)
        known = self.known.at(group, self.compute.device)
        with self.compute.autocast():
            policy = pair_logps(self.policy, self._pairs(group), self.compute.passes)
        losses = dpo_losses(policy, known, shares.sum(dim=1).float(), beta)
        add_batch(means, losses, policy, shares)
        add_accuracies(means, (policy.margin - known.margin).detach(), self.examples.margins[group])
        return losses.losses.sum()

    def _own(self, indices: IntArray) -> IntArray:
        """Those of some examples that this rank runs."""
        return indices[np.array(self._ranks.own(self._pairs(indices)), dtype=np.intp)]

    def _part_of(self, group: IntArray) -> AbstractContextManager[None]:
        """This rank's part of a pass, whose dropout is the whole pass's."""
        if self._ranks.count == 1:
            return nullcontext()
        pairs = self._pairs(group)
        return drawing_for(self.policy, window(pairs, self._ranks.own(pairs), self.compute.passes))

    def _agree_on_budget(self) -> None:
        """Let passes be as small everywhere as on the rank with the least memory."""
        self.compute.budget.tokens = min(self._ranks.gather(self.compute.budget.tokens))

    def _each(self, indices: IntArray, run: Callable[[IntArray], object]) -> None:
        """Call `run` with groups of these examples, as many at a time as fit into memory."""
        self.compute.budget.each(self._pairs(indices), lambda places: run(indices[places]))

    def _pairs(self, indices: IntArray) -> list[EncodedPair]:
        return [self.examples.pairs[index] for index in indices]

    def _num_tokens(self, index: int) -> int:
        pair = self.examples.pairs[index]
        return len(pair.prompt) + len(pair.chosen) + len(pair.rejected)


def _added_up(parts: Sequence[PairMeans]) -> PairMeans:
    """Of all ranks."""
    every = PairMeans()
    for part in parts:
        every.add_all(part)
    return every


def _not_finite(loss: float, norm: float) -> str:
    """What has blown up: the loss, or while that is still a number, its gradient."""
    name, value = ("the gradient of the loss", norm) if math.isfinite(loss) else ("loss", loss)
    return f"{name} is {'NaN' if math.isnan(value) else 'infinite'}"


def _how_to_go_on(standing: Standing, num_steps: int, saved: bool) -> str:
    where = f"stopped before step {standing.step + 1} of {num_steps}"
    return f"{where}: the same command with --resume goes on there" if saved else where
