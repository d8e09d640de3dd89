"""The processes that train one policy; by default there is one.

Each rank has the whole policy and takes every optimizer step. It runs its own share of a step's pairs;
gradients and metrics are summed over all ranks before they are used, so the number of ranks changes nothing
but how sums are rounded. Rank 0 is the process that was started: only it writes, and it decides when to
stop.
"""

from collections.abc import Sequence
from typing import TypeVar

from grice_core.dpo.encode import EncodedPair, Ids
from grice_core.dpo.prefix_trees import micro_batches, num_shared_tokens

T = TypeVar("T")


class Ranks:
    """One process, which does all the work."""

    index = 0
    """This process's rank."""
    count = 1
    lockstep = False
    """Whether all ranks must run the same number of passes, since they gather each layer together."""

    def own(self, pairs: Sequence[EncodedPair]) -> list[int]:
        """Positions of the pairs that this process runs, prompt by prompt."""
        return list(range(len(pairs)))

    def all_gather(self, value: T) -> list[T]:
        """The values of all ranks, in their order, on every rank."""
        return [value]

    def broadcast(self, value: T) -> T:
        """Rank 0's value, on every rank."""
        return value

    def all_reduce_gradients(self) -> None:
        """Replace the gradients on every rank by their sum over all ranks."""

    def num_idle_passes(self, pairs: Sequence[EncodedPair], token_budget: int) -> int:
        """Passes that this rank adds in lockstep, since others have more passes over these pairs."""
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
    keeps its prompts in the order in which `shared_trees` finds them in `pairs`.
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
