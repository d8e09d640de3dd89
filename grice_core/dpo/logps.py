"""Response log-probabilities under a causal language model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import PreTrainedModel

from grice_core.dpo.encode import EncodedPair, Ids
from grice_core.dpo.head import can_chunk_logits, token_logps
from grice_core.dpo.prefix_trees import Tree, separate_trees, separated, shared_trees, tree_mask
from grice_core.dpo.signature import accepted, accepts, inner_model, passes_on
from grice_core.kernels.checkpointing import checkpointed_layers
from grice_core.kernels.last_mlp import only_positions
from grice_core.kernels.token_logps import FrozenHead
from grice_core.kernels.tree_attention import TREE_ATTENTION, TreeSpan, UnsharableError

Passes = Literal["shared", "separate", "single"]
"""How responses are run: those of a prompt share one pass over it; each in a row of its own, rows padded
to one length; or one row in a pass, for models that the length of a row is more than padding to."""


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


def pair_logps(
    model: Any, pairs: Sequence[EncodedPair], passes: Passes, head: FrozenHead | None = None
) -> PairLogps:
    """Log-probabilities of both responses of each pair, with gradient if that is enabled.

    `head` is the model's `prepacked_head`, where many passes share one.
    """
    trees = shared_trees(pairs) if passes == "shared" else separate_trees(pairs)
    values = response_logps(model, trees, passes, head)
    slots: Mapping[tuple[Ids, Ids], int] = {
        branch: slot
        for slot, branch in enumerate(
            (tree.prompt, response) for tree in trees for response in tree.responses
        )
    }
    chosen = [slots[pair.prompt, pair.chosen] for pair in pairs]
    rejected = [slots[pair.prompt, pair.rejected] for pair in pairs]
    return PairLogps(values[chosen], values[rejected])


def response_logps(
    model: Any, trees: Sequence[Tree], passes: Passes, head: FrozenHead | None = None
) -> torch.Tensor:
    """(responses,) log-probabilities, in the order of trees and branches.

    Raises: UnsharableError, if passes are shared and this model can't.
    """
    if passes == "shared":
        return shared_logps(model, trees, head)
    apart = separated(trees)
    if passes == "separate":
        return separate_logps(model, apart, head)
    return torch.cat([separate_logps(model, [tree], head) for tree in apart])


def plain_logps(model: Any, trees: Sequence[Tree], copies: int = 1) -> torch.Tensor:
    """(responses,) the same by nothing but `model(input_ids)`, one response at a time: what all other
    passes are compared to.

    No mask, no positions, no packing, and under `plain_kernels` none of our own operations. With `copies`
    the row stands so many times in its pass, which changes nothing but the order of sums.
    """
    values = []
    for tree in separated(trees):
        row = [*tree.prompt, *tree.responses[0]]
        ids = torch.tensor([row] * copies, device=_device(model))
        # A cache would change no number, but some models can't be differentiated through theirs.
        with checkpointed_layers(model):
            logits = model(input_ids=ids, **accepted(model, use_cache=False)).logits[0].float()
        predicting = logits[len(tree.prompt) - 1 : -1].log_softmax(dim=-1)
        values.append(predicting.gather(1, ids[0, len(tree.prompt) :, None]).sum())
    return torch.stack(values)


def shared_logps(model: Any, trees: Sequence[Tree], head: FrozenHead | None = None) -> torch.Tensor:
    """(responses,) log-probabilities from one packed row, in the order of trees and branches.

    Row of two trees:      p p a a b q c c     (positions 0 1 2 3 2 0 1 2)
    logits are taken at:   . x x . . x x .     and once more at the last p, which predicts a and b

    Tokens that all responses to a prompt begin with stand in the row once, and count for each of them.
    """
    if not (accepts(model, "position_ids") and passes_on(model)):
        raise UnsharableError(
            f"{type(inner_model(model)).__name__} takes no positions from outside"
        )
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
    can_chunk_logits(model)  # asks the model, once, in a pass that is no tree's
    predicting = sorted(set(sources))
    with (
        _in_trees(model, predicting),
        checkpointed_layers(model, lambda: _in_trees(model, predicting)),
    ):
        values = token_logps(
            model,
            targets,
            torch.tensor(sources, device=device),
            head,
            input_ids=torch.tensor([ids], device=device),
            position_ids=torch.tensor([positions], device=device),
            # Any four-dimensional mask keeps transformers from making its own.
            attention_mask=torch.ones((1, 1, 1, 1), dtype=torch.bool, device=device),
            tree_spans=tuple(spans),
            **accepted(model, use_cache=False),
        )
    sums = iter(_sums(values, lengths))
    responses: list[torch.Tensor] = []
    for tree in trees:
        common = next(sums)
        responses.extend(common + next(sums) for _ in tree.branches)
    return torch.stack(responses)


def separate_logps(
    model: Any, trees: Sequence[Tree], head: FrozenHead | None = None
) -> torch.Tensor:
    """(responses,) log-probabilities from rows padded on the right; trees have one branch each.

    A causal model's padding comes after everything that is asked for, so it needs neither a mask nor
    positions; whatever an architecture makes of these by itself stays as it is in a plain pass.
    """
    device = _device(model)
    rows = [(*tree.prompt, *tree.responses[0]) for tree in trees]
    width = max(map(len, rows))
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    predicts = torch.zeros((len(rows), width), dtype=torch.bool)
    targets: list[int] = []
    for number, (tree, row) in enumerate(zip(trees, rows, strict=True)):
        ids[number, : len(row)] = torch.tensor(row)
        predicts[number, len(tree.prompt) - 1 : len(row) - 1] = True
        targets.extend(tree.responses[0])
    with checkpointed_layers(model):
        values = token_logps(
            model,
            targets,
            predicts.to(device),
            head,
            input_ids=ids.to(device),
            **accepted(model, use_cache=False),
        )
    return torch.stack(_sums(values, [len(tree.responses[0]) for tree in trees]))


def _sums(values: torch.Tensor, lengths: Sequence[int]) -> list[torch.Tensor]:
    """Of consecutive parts of these lengths."""
    return [part.sum() for part in torch.split(values, list(lengths))]


def _device(model: Any) -> torch.device:
    device: torch.device = next(model.parameters()).device
    return device


@contextmanager
def _in_trees(model: Any, positions: Sequence[int]) -> Iterator[None]:
    """A pass over one row of trees, of which only the states at these ascending positions will be read."""
    with _attention(model, TREE_ATTENTION), only_positions(model, positions):
        yield


@contextmanager
def _attention(model: Any, implementation: str) -> Iterator[None]:
    """The model with another attention function, for the time of one forward pass.

    Raises: UnsharableError, if the model knows no other attention than its own.
    """
    inner: PreTrainedModel = inner_model(model)
    if not inner._can_set_attn_implementation():
        raise UnsharableError(f"{type(inner).__name__} has attention code of its own")
    before = inner.config._attn_implementation
    inner.set_attn_implementation(implementation)
    try:
        yield
    finally:
        inner.set_attn_implementation(before)
