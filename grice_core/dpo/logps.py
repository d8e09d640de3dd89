"""Response log-probabilities under a causal language model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import PreTrainedModel

from grice_core.dpo.attention import TREE_ATTENTION, TreeSpan, UnsharableError, tree_mask
from grice_core.dpo.encode import EncodedPair, Ids
from grice_core.dpo.ending import ending_at
from grice_core.dpo.head import token_logps
from grice_core.dpo.trees import Tree, separate_trees, shared_trees

Passes = Literal["shared", "separate"]
"""Whether the responses of a prompt share one pass over it."""


@dataclass(frozen=True)
class PairLogps:
    """Summed response log-probabilities of n pairs, end of text included."""

    chosen: torch.Tensor
    """(n,) float32."""
    rejected: torch.Tensor
    """(n,) float32."""

    @property
    def margin(self) -> torch.Tensor:
        """(n,) chosen − rejected."""
        return self.chosen - self.rejected


def pair_logps(model: Any, pairs: Sequence[EncodedPair], passes: Passes) -> PairLogps:
    """Log-probabilities of both responses of each pair, with gradient if that is enabled."""
    trees = shared_trees(pairs) if passes == "shared" else separate_trees(pairs)
    values = shared_logps(model, trees) if passes == "shared" else separate_logps(model, trees)
    slots: Mapping[tuple[Ids, Ids], int] = {
        branch: slot
        for slot, branch in enumerate(
            (tree.prompt, response) for tree in trees for response in tree.responses
        )
    }
    chosen = [slots[pair.prompt, pair.chosen] for pair in pairs]
    rejected = [slots[pair.prompt, pair.rejected] for pair in pairs]
    return PairLogps(values[chosen], values[rejected])


def shared_logps(model: Any, trees: Sequence[Tree]) -> torch.Tensor:
    """(responses,) log-probabilities from one packed row, in the order of trees and branches.

    Row of two trees:      p p a a b q c c     (positions 0 1 2 3 2 0 1 2)
    logits are taken at:   . x x . . x x .     and once more at the last p, which predicts a and b

    Tokens that all responses to a prompt begin with stand in the row once, and count for each of them.
    """
    device = _device(model)
    ids: list[int] = []
    positions: list[int] = []
    sources: list[int] = []
    targets: list[int] = []
    lengths: list[int] = []
    spans: list[TreeSpan] = []
    for tree in trees:
        start, trunk = len(ids), len(tree.trunk)
        ids.extend(tree.trunk)
        positions.extend(range(trunk))
        # Each token predicts the next one, the prompt's last the first of a response.
        sources.extend(range(start + len(tree.prompt) - 1, start + trunk - 1))
        targets.extend(tree.trunk[len(tree.prompt) :])
        lengths.append(tree.num_common)
        for branch in tree.branches:
            sources.extend([start + trunk - 1, *range(len(ids), len(ids) + len(branch) - 1)])
            targets.extend(branch)
            lengths.append(len(branch))
            positions.extend(range(trunk, trunk + len(branch)))
            ids.extend(branch)
        longest = trunk + max(map(len, tree.branches))
        spans.append(TreeSpan(start, len(ids), longest, tree_mask(tree, device)))
    with _attention(model, TREE_ATTENTION), ending_at(model, sorted(set(sources))):
        values = token_logps(
            model,
            targets,
            input_ids=torch.tensor([ids], device=device),
            position_ids=torch.tensor([positions], device=device),
            # Any four-dimensional mask keeps transformers from making its own.
            attention_mask=torch.ones((1, 1, 1, 1), dtype=torch.bool, device=device),
            logits_to_keep=torch.tensor(sources, device=device),
            tree_spans=tuple(spans),
            use_cache=False,
        )
    sums = iter(_sums(values, lengths))
    responses: list[torch.Tensor] = []
    for tree in trees:
        common = next(sums)
        responses.extend(common + next(sums) for _ in tree.branches)
    return torch.stack(responses)


def separate_logps(model: Any, trees: Sequence[Tree]) -> torch.Tensor:
    """(responses,) log-probabilities from ordinary right-padded rows; trees have one branch each."""
    device = _device(model)
    rows = [(*tree.prompt, *tree.responses[0]) for tree in trees]
    width = max(map(len, rows))
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    seen = torch.zeros((len(rows), width), dtype=torch.long)
    predicts = torch.zeros((len(rows), width), dtype=torch.bool)
    targets: list[int] = []
    for number, (tree, row) in enumerate(zip(trees, rows, strict=True)):
        ids[number, : len(row)] = torch.tensor(row)
        seen[number, : len(row)] = 1
        predicts[number, len(tree.prompt) - 1 : len(row) - 1] = True
        targets.extend(tree.responses[0])
    values = token_logps(
        model,
        targets,
        input_ids=ids.to(device),
        attention_mask=seen.to(device),
        position_ids=(seen.cumsum(dim=1) - 1).clamp(min=0).to(device),
        logits_to_keep=predicts.to(device),
        use_cache=False,
    )
    return torch.stack(_sums(values, [len(tree.responses[0]) for tree in trees]))


def _sums(values: torch.Tensor, lengths: Sequence[int]) -> list[torch.Tensor]:
    """Of consecutive parts of these lengths."""
    return [part.sum() for part in torch.split(values, list(lengths))]


def _device(model: Any) -> torch.device:
    device: torch.device = next(model.parameters()).device
    return device


@contextmanager
def _attention(model: Any, implementation: str) -> Iterator[None]:
    """The model with another attention function, for the time of one forward pass.

    Raises: UnsharableError, if the model knows no other attention than its own.
    """
    inner: PreTrainedModel = model.get_base_model() if hasattr(model, "get_base_model") else model
    if not inner._can_set_attn_implementation():
        raise UnsharableError(f"{type(inner).__name__} has attention code of its own")
    before = inner.config._attn_implementation
    inner.set_attn_implementation(implementation)
    try:
        yield
    finally:
        inner.set_attn_implementation(before)
