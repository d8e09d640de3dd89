"""Pairs of one prompt as a tree: the prompt is the trunk, each response a branch.

    pairs          (p, a, b), (p, a, c), (q, d, e)
    shared trees   p → a, b, c        q → d, e
    separate       p → a   p → b   p → c   q → d   q → e

A branch sees the trunk and itself, never another branch, so its log-probabilities are those of a
separate pass (prefix sharing for preference optimisation, arXiv 2410.20305). What all responses to a
prompt begin with belongs to the trunk too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

import torch

from grice_core.dpo.encode import EncodedPair, Ids


@dataclass(frozen=True)
class Tree:
    """A prompt and responses to it."""

    prompt: Ids
    responses: tuple[Ids, ...]

    @cached_property
    def num_common(self) -> int:
        """Tokens that all responses begin with; each keeps at least one of its own."""
        shortest = min(map(len, self.responses))
        columns = zip(*(response[: shortest - 1] for response in self.responses), strict=True)
        return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))

    @property
    def trunk(self) -> Ids:
        """The prompt and what all responses begin with."""
        return self.prompt + self.responses[0][: self.num_common]

    @property
    def branches(self) -> tuple[Ids, ...]:
        """What follows the trunk in each response."""
        return tuple(response[self.num_common :] for response in self.responses)

    @property
    def apart(self) -> "list[Tree]":
        """One tree for each response."""
        return [Tree(self.prompt, (response,)) for response in self.responses]

    @property
    def num_tokens(self) -> int:
        """That go through the model."""
        return len(self.trunk) + sum(map(len, self.branches))

    @property
    def num_predicting(self) -> int:
        """Of these, those that predict a token of a response."""
        return self.num_common + 1 + sum(len(branch) - 1 for branch in self.branches)


def shared_trees(pairs: Iterable[EncodedPair]) -> list[Tree]:
    """One tree per distinct prompt, each distinct response once."""
    branches: dict[Ids, dict[Ids, None]] = {}
    for pair in pairs:
        responses = branches.setdefault(pair.prompt, {})
        responses[pair.chosen] = None
        responses[pair.rejected] = None
    return [Tree(prompt, tuple(responses)) for prompt, responses in branches.items()]


def separate_trees(pairs: Iterable[EncodedPair]) -> list[Tree]:
    """One tree per prompt and response, as two ordinary passes would have it."""
    return separated(shared_trees(pairs))


def separated(trees: Iterable[Tree]) -> list[Tree]:
    """One tree for each response of these trees, in their order."""
    return [alone for tree in trees for alone in tree.apart]


def micro_batches(pairs: Sequence[EncodedPair], token_budget: int) -> list[list[int]]:
    """Positions of pairs in groups whose shared trees stay within the budget of tokens.

    A single pair may exceed it. Pairs of one prompt stand together, and groups hold similar
    lengths. Order inside an optimizer step is free: its gradient is a sum over its pairs.
    """

    def place(position: int) -> tuple[int, Ids, int]:
        pair = pairs[position]
        return len(pair.prompt), pair.prompt, position

    groups: list[list[int]] = []
    for position in sorted(range(len(pairs)), key=place):
        if (
            groups
            and num_shared_tokens([pairs[at] for at in (*groups[-1], position)]) <= token_budget
        ):
            groups[-1].append(position)
        else:
            groups.append([position])
    return groups


def num_shared_tokens(pairs: Sequence[EncodedPair]) -> int:
    """Tokens of the pairs' shared trees."""
    return sum(tree.num_tokens for tree in shared_trees(pairs))


def tree_mask(tree: Tree, device: torch.device) -> torch.Tensor:
    """(length, length) boolean mask: causal, and no branch sees another.

    For a prompt of 2 and responses of 2 and 1 tokens:

        1 . . . .
        1 1 . . .
        1 1 1 . .
        1 1 1 1 .
        1 1 . . 1
    """
    branch = torch.tensor(
        [0] * len(tree.trunk)
        + [number for number, ids in enumerate(tree.branches, 1) for _ in ids],
        device=device,
    )
    visible = (branch[None, :] == 0) | (branch[None, :] == branch[:, None])
    return visible.tril()
