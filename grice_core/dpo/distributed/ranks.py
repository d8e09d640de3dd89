"""Several processes that train one policy; by default there is one.

Each rank has the whole policy and takes every optimizer step. Of a step's pairs it runs its own share;
gradients and metrics are summed over the ranks before anything is done with them, so their number
decides nothing but how sums are rounded. Rank 0 is the process that was started: it alone writes, and
decides when to stop.
"""

from collections.abc import Sequence
from typing import TypeVar

from grice_core.dpo.encode import EncodedPair, Ids
from grice_core.dpo.prefix_trees import micro_batches, num_shared_tokens

T = TypeVar("T")


class Ranks:
    """One process, which has all the work and nobody to agree with."""

    index = 0
    """Of this process."""
    count = 1
    lockstep = False
    """Whether all ranks have to make as many passes, since they go through the layers together."""

    def own(self, pairs: Sequence[EncodedPair]) -> list[int]:
        """Positions of the pairs that this process runs, prompt by prompt."""
        return list(range(len(pairs)))

    def gather(self, value: T) -> list[T]:
        """What each rank gives here, in their order, to every rank."""
        return [value]

    def first(self, value: T) -> T:
        """What rank 0 gives here, to every rank."""
        return value

    def sum_gradients(self) -> None:
        """Let every rank have the sum of all ranks' gradients."""

    def num_idle_passes(self, pairs: Sequence[EncodedPair], token_budget: int) -> int:
        """Passes over nothing that others need, which have more of these pairs than this rank."""
        if not self.lockstep:
            return 0
        counts = [
            len(micro_batches([pairs[position] for position in share], token_budget))
            for share in shares(pairs, self.count)
        ]
        return max(counts) - counts[self.index]


def shares(pairs: Sequence[EncodedPair], count: int) -> list[list[int]]:
    """Positions of pairs in `count` shares of about as many tokens; some may be empty.

    A prompt's pairs stay together, since they share a pass over it. The longest prompt still left goes
    to the share with the fewest tokens (longest processing time first, doi:10.1137/0117039). Each share
    holds its prompts in the order in which `shared_trees` finds them in `pairs`.
    """
    prompts: dict[Ids, list[int]] = {}
    for position, pair in enumerate(pairs):
        prompts.setdefault(pair.prompt, []).append(position)
    groups = list(prompts.values())
    sizes = [num_shared_tokens([pairs[position] for position in group]) for group in groups]
    parts: list[list[int]] = [[] for _ in range(count)]
    tokens = [0] * count
    for number in sorted(range(len(groups)), key=lambda number: -sizes[number]):
        lightest = tokens.index(min(tokens))
        parts[lightest].append(number)
        tokens[lightest] += sizes[number]
    return [[position for number in sorted(part) for position in groups[number]] for part in parts]
