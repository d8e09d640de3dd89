"""A stage's pairs, run through its policy: a rank's part of them, as many at a time as fit."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch
from peft import PeftModel

from grice_core.data.pairs import FloatArray, IntArray
from grice_core.dpo.distributed.dropout_slices import dropping_slices, pass_slices
from grice_core.dpo.distributed.ranks import Ranks
from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.examples import Compute, ReferenceLogps, StageExamples, StagePreferences
from grice_core.dpo.logps import PairLogps, pair_logps
from grice_core.dpo.loss import StageLoss
from grice_core.dpo.metrics import Metrics, PairMeans, add_accuracies, add_batch, add_by_maxim


class PairRunner:
    """Losses and measurements of a stage's pairs under its policy; `indices` are always of its examples."""

    def __init__(
        self,
        policy: PeftModel,
        loss: StageLoss,
        examples: StageExamples,
        ref_logps: ReferenceLogps,
        compute: Compute,
    ) -> None:
        self.policy = policy
        self.loss = loss
        self.examples = examples
        self.ref_logps = ref_logps
        self.compute = compute
        self.ranks = Ranks()

    def losses(
        self,
        indices: IntArray,
        whole: IntArray,
        beta: float,
        means: PairMeans,
        *,
        with_gains: bool = False,
    ) -> torch.Tensor:
        """Summed loss of some pairs, with gradient if that is enabled; their metrics go to `means`.

        They are a part of `whole`, over all of which the loss will be the mean.
        """
        shares = torch.from_numpy(self.examples.shares[indices]).to(self.compute.device)
        reference = self.ref_logps.at(indices, self.compute.device)
        with self.compute.autocast():
            policy = self._logps(self.pairs(indices))
        batch = self.examples.batch(indices, whole, self.compute.device)
        losses = self.loss.of_pairs(policy, reference, batch, beta)
        add_batch(means, losses, policy, shares)
        margins, delta = self.examples.margins[indices], (policy.margin - reference.margin).detach()
        add_accuracies(means, delta, margins)
        if with_gains:
            add_by_maxim(means, "gains", beta * losses.delta, margins, lambda r: r.sigmoid() - 0.5)
            add_by_maxim(means, "nats", delta, margins, lambda toward: toward)
        return losses.losses.sum()

    def measure(self, beta: float, *, with_gains: bool = False) -> Metrics:
        """Metrics of the watched pairs of all ranks, as `heldout/rewards/accuracies` and so on.

        `with_gains` also, per maxim, how probable the data's preferences are under the implicit rewards, less the
        50 % of the reference (`heldout/gains/manner`), and how far in nats the policy has moved towards them
        (`heldout/nats/manner`).
        """
        self.policy.eval()
        metrics: Metrics = {}
        for name, indices in self.examples.watched.items():
            means = PairMeans()
            with torch.no_grad():
                look = partial(self.losses, whole=indices, beta=beta, means=means)
                self._each(indices, partial(look, with_gains=with_gains))
            metrics |= added_up(self.ranks.all_gather(means)).means(f"{name}/")
        self.agree_on_budget()
        return metrics

    def reward_margins(self, preferences: StagePreferences) -> FloatArray:
        """(n,) implicit reward margins β · Δ of the policy as it is, against their stage's reference."""
        self.policy.eval()
        margins = np.zeros(len(preferences.pairs))
        own = np.array(self.ranks.own(preferences.pairs), dtype=np.intp)

        def look(places: Sequence[int]) -> None:
            group = own[places]
            pairs = [preferences.pairs[index] for index in group]
            margin = self._logps(pairs).margin.double().cpu()
            margins[group] = preferences.beta * (margin.numpy() - preferences.reference[group])

        with torch.no_grad(), self.compute.autocast():
            self.compute.budget.each([preferences.pairs[index] for index in own], look)
            self._keep_lockstep(preferences.pairs)
        every: FloatArray = np.sum(self.ranks.all_gather(margins), axis=0)
        return every

    def own(self, indices: IntArray) -> IntArray:
        """Those of some pairs that this rank runs."""
        return indices[np.array(self.ranks.own(self.pairs(indices)), dtype=np.intp)]

    def dropping_part_of(self, indices: IntArray) -> AbstractContextManager[None]:
        """This rank's part of a pass over these pairs, whose dropout is the whole pass's."""
        if self.ranks.count == 1:
            return nullcontext()
        pairs = self.pairs(indices)
        own = self.ranks.own(pairs)
        slices = pass_slices(pairs, own, self.compute.passes, self.compute.device)
        return dropping_slices(self.policy, slices)

    def agree_on_budget(self) -> None:
        """Let passes be as small everywhere as on the rank with the least memory."""
        self.compute.budget.tokens = min(self.ranks.all_gather(self.compute.budget.tokens))

    def pairs(self, indices: IntArray) -> list[EncodedPair]:
        """As token ids."""
        return [self.examples.pairs[index] for index in indices]

    def idle_pass(self, pairs: Sequence[EncodedPair]) -> torch.Tensor:
        """A pass that adds nothing to what is learned or measured: 0, with gradient if that is enabled."""
        with self.compute.autocast():
            return self._logps(pairs[:1]).chosen.sum() * 0

    def _logps(self, pairs: Sequence[EncodedPair]) -> PairLogps:
        return pair_logps(self.policy, pairs, self.compute.passes, self.compute.head)

    def _each(self, indices: IntArray, run: Callable[[IntArray], object]) -> None:
        """Call `run` with groups of this rank's part of these pairs, as many at a time as fit into
        memory."""
        own = self.own(indices)
        self.compute.budget.each(self.pairs(own), lambda places: run(own[places]))
        self._keep_lockstep(self.pairs(indices))

    def _keep_lockstep(self, pairs: Sequence[EncodedPair]) -> None:
        """After this rank's part of these pairs, of which others may have more."""
        for _ in range(self.ranks.num_idle_passes(pairs, self.compute.budget.tokens)):
            self.idle_pass(pairs)


def added_up(parts: Sequence[PairMeans]) -> PairMeans:
    """Of all ranks."""
    every = PairMeans()
    for part in parts:
        every.add_all(part)
    return every
