"""How a model's responses are run: whatever is fastest among what equals the plain model.

Compared is with `model(input_ids)` of one response at a time, which knows nothing of ours, and not only by
values: an adapter that changes something is in place meanwhile, and its gradients have to agree too.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from peft import PeftModel
from torch import Tensor

from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.head import can_chunk_logits
from grice_core.dpo.hub import first_line
from grice_core.dpo.logps import Passes, plain_logps, response_logps
from grice_core.dpo.measured import Measured, measured, relative_gap
from grice_core.dpo.prefix_trees import Tree, shared_trees
from grice_core.dpo.signature import watched_embeddings
from grice_core.errors import PreflightError
from grice_core.kernels.checkpointing import gradient_checkpointing
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.linear import without_prepacking
from grice_core.kernels.memory import apart
from grice_core.kernels.stored import stored_modules
from grice_core.kernels.token_logps import FrozenHead
from grice_core.kernels.tree_attention import UnsharableError

TOLERANCE = 1e-5
"""Largest relative difference of a response's log-probability that counts as rounding in fp32 …"""
ROUNDING_FACTOR = 4.0
"""… or so many times what the plain model's own differs when the same row stands in a batch twice …"""
LARGEST_TOLERANCE = 1e-4
"""… but no more than this: deep models round more, wrong ones are further off."""
GRADIENT_TOLERANCE = 1e-3
"""The same of an adapter matrix's gradient, by norms."""
NUM_OTHERS = 3
"""Pairs of other lengths on which values are compared too."""
BF16_FACTOR = 4.0
"""How many times the plain model's own rounding error in bf16 another order of operations may make."""
BF16_FLOOR = 1e-2
"""Relative error in bf16 that needs no comparison."""

_ALL_PASSES: tuple[Passes, ...] = ("shared", "separate", "single")
"""The fastest first."""

_OWN_WAYS_TO_FAIL = (
    UnsharableError,
    ValueError,
    TypeError,
    RuntimeError,
    IndexError,
    AttributeError,
)
"""An architecture with attention, masks or positions of its own fails in its own way."""


@dataclass(frozen=True)
class PassChoice:
    """How the responses of a prompt are run, and why."""

    passes: Passes
    reason: str


class InexactModelError(PreflightError):
    """Not even single rows equal the plain model."""

    def __init__(self, failure: str) -> None:
        super().__init__(
            "this base model can't be run so that its log-probabilities are those of the plain model: "
            f"single rows {failure}. Take another base model"
        )
        self.failure = failure
        """What is wrong with single rows, as a predicate."""


@dataclass(frozen=True)
class _Tried:
    """A policy, and its last layer as training will use it."""

    policy: PeftModel
    head: FrozenHead | None

    def logps(self, trees: Sequence[Tree], passes: Passes) -> Tensor:
        """(responses,) by these passes."""
        return response_logps(self.policy, trees, passes, self.head)


def choose_passes(
    policy: PeftModel,
    pairs: Sequence[EncodedPair],
    dtype: torch.dtype = torch.float32,
    head: FrozenHead | None = None,
) -> PassChoice:
    """Shared passes if they equal the plain model's, else separate ones, else single rows.

    Tried on the pair with the longest response path, since an attention window shows itself only beyond
    its width, beside the one with the shortest, since the trees of a pass must not see each other and
    padding must not matter. In fp32, whatever the `dtype` of the many passes that follow, since bf16 rounds
    away the difference between right and almost right; then once in bf16 too if that is asked for.

    `head` is the policy's `prepacked_head`, if it trains with one.

    Raises:
        InexactModelError: none of them equals the plain model.
        PreflightError: it can't compute in this format.
    """
    trees = shared_trees(_telling(pairs))
    others = _between(pairs)
    tried = _Tried(policy, head)
    policy.eval()
    device = next(policy.parameters()).device
    failures: list[str] = []
    # Few and large, they would leave gaps in the kept memory that no step's fill.
    with apart(), acting_as_trained(policy):
        with _in_fp32(device, dtype):
            # Asks the model in a pass of its own, which no other may be taken for.
            can_chunk_logits(policy)
            exact = _plain(policy, trees, "fp32")
            tolerance = _tolerance(policy, trees[-1])
        for passes in _ALL_PASSES:
            with _in_fp32(device, dtype):
                found = _attempt(tried, trees, passes, exact, tolerance)
                if isinstance(found, float) and passes != "single":
                    found = _elsewhere(tried, others, passes, tolerance) or found
            if isinstance(found, float) and dtype == torch.bfloat16:
                found = _in_bf16(tried, trees, passes, exact) or found
            if isinstance(found, float):
                return PassChoice(passes, _reason(passes, found, failures))
            failures.append(found)
    raise InexactModelError(failures[-1])


def _reason(passes: Passes, difference: float, failures: Sequence[str]) -> str:
    equal = f"equal the plain model's to {difference:.1e}"
    if passes == "shared":
        return f"shared passes {equal}"
    rows = "separate passes" if passes == "separate" else "separate passes of one row"
    return f"{rows} {equal}; shared ones {failures[0]}"


@contextmanager
def _in_fp32(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """In fp32, without prepacking weights for it if the run uses another dtype."""
    packing = nullcontext() if dtype == torch.float32 else without_prepacking()
    with torch.autocast(device.type, enabled=False), packing:
        yield


def _telling(pairs: Sequence[EncodedPair]) -> list[EncodedPair]:
    """The pair with the longest prompt + response, and the one with the shortest."""
    longest = max(pairs, key=lambda pair: max(_lengths(pair)))
    shortest = min(pairs, key=lambda pair: min(_lengths(pair)))
    return [shortest, longest]


def _between(pairs: Sequence[EncodedPair]) -> list[EncodedPair]:
    """Some of the others, by their lengths: blocks and choices among keys end elsewhere in them."""
    by_length = sorted(pairs, key=lambda pair: max(_lengths(pair)))
    return [
        by_length[place * (len(pairs) - 1) // (NUM_OTHERS + 1)]
        for place in range(1, NUM_OTHERS + 1)
    ]


def _lengths(pair: EncodedPair) -> tuple[int, int]:
    return len(pair.prompt) + len(pair.chosen), len(pair.prompt) + len(pair.rejected)


@contextmanager
def acting_as_trained(policy: PeftModel) -> Iterator[None]:
    """The adapter changes something meanwhile: a fresh one (B = 0) has no gradient in A, shows no leak and
    is the same whichever of its parts are lost."""
    changed = {
        parameter: parameter.detach().clone()
        for name, parameter in policy.named_parameters()
        if ".lora_B." in name
    }
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in changed:
            parameter.copy_(torch.empty(parameter.shape).normal_(std=0.02, generator=draw))
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, before in changed.items():
                parameter.copy_(before)


def _plain(policy: PeftModel, trees: Sequence[Tree], name: str) -> Measured:
    """What the plain model says. Raises: PreflightError, if it says nothing."""
    try:
        # In fp32, all layers of the longest rows would take more than training in bf16 does.
        with plain_kernels(), gradient_checkpointing(enabled=bool(stored_modules(policy))):
            found = measured(policy, plain_logps(policy, trees))
    except torch.OutOfMemoryError:
        raise
    except _OWN_WAYS_TO_FAIL as error:
        raise PreflightError(
            f"transformers itself can't train this base model in {name} ({first_line(error)}): "
            + ("choose --precision fp32" if name == "bf16" else "take another base model")
        ) from error
    if not torch.isfinite(found.values).all():
        raise PreflightError(
            f"the base model's log-probabilities are no finite numbers in {name}: "
            + ("choose --precision fp32" if name == "bf16" else "its weights are damaged")
        )
    return found


def _tolerance(policy: PeftModel, tree: Tree) -> float:
    """What counts as rounding for this model: seen where nothing but the order of sums is another."""
    (alone, *_) = tree.apart
    with torch.no_grad(), plain_kernels():
        once, twice = plain_logps(policy, [alone]), plain_logps(policy, [alone], copies=2)
    return min(max(TOLERANCE, ROUNDING_FACTOR * relative_gap(twice, once)), LARGEST_TOLERANCE)


def _attempt(
    tried: _Tried, trees: Sequence[Tree], passes: Passes, exact: Measured, tolerance: float
) -> float | str:
    """The largest relative difference of a log-probability, or why these passes won't do."""
    try:
        if passes == "shared" and _leaks(tried, trees):
            return "let one response see another"
        found = measured(tried.policy, tried.logps(trees, passes))
    except torch.OutOfMemoryError:  # says nothing about the passes
        raise
    except _OWN_WAYS_TO_FAIL as error:
        return f"fail: {first_line(error)}"
    difference = found.gap_to(exact)
    if not difference <= tolerance:  # NaN is no agreement
        return f"differ by {difference:.1e}"
    gap = found.gradient_gap_to(exact)
    if not gap <= GRADIENT_TOLERANCE:
        return f"have gradients that differ by {gap:.1e}"
    return difference


def _elsewhere(
    tried: _Tried, pairs: Sequence[EncodedPair], passes: Passes, tolerance: float
) -> str | None:
    """Why these passes won't do for other pairs; None if their values are the plain model's."""
    trees = shared_trees(pairs)
    with torch.no_grad():
        with plain_kernels():
            exact = plain_logps(tried.policy, trees)
        found = tried.logps(trees, passes)
    gap = relative_gap(found, exact)
    return None if gap <= tolerance else f"differ by {gap:.1e}"


def _in_bf16(tried: _Tried, trees: Sequence[Tree], passes: Passes, exact: Measured) -> str | None:
    """Why these passes won't do in bf16; None if their error is no larger than bf16's own."""
    device = next(tried.policy.parameters()).device
    with torch.autocast(device.type, dtype=torch.bfloat16), without_prepacking():
        plain = _plain(tried.policy, trees, "bf16")
        try:
            found = measured(tried.policy, tried.logps(trees, passes))
        except torch.OutOfMemoryError:
            raise
        except _OWN_WAYS_TO_FAIL as error:
            return f"fail in bf16: {first_line(error)}"
    scale = exact.values.abs().clamp(min=1.0)
    ours = float(((found.values - exact.values).abs() / scale).mean())
    theirs = float(((plain.values - exact.values).abs() / scale).mean())
    if not ours <= BF16_FACTOR * theirs + BF16_FLOOR:
        return f"are off by {ours:.1e} in bf16, the plain model's by {theirs:.1e}"
    return None


def _leaks(tried: _Tried, trees: Sequence[Tree]) -> bool:
    """Whether a response's log-probability depends on tokens that it must not see.

    Its gradient there is exactly 0 if not, however small a leak would be in the values.
    """
    with watched_embeddings(tried.policy) as watched:
        values = tried.logps(trees, "shared")
    if not watched:
        return False
    # The last response of the last tree: everything in the row stands before it.
    start = sum(tree.num_tokens for tree in trees[:-1])
    last = trees[-1]
    hidden = torch.ones(watched[0].shape[1], dtype=torch.bool, device=watched[0].device)
    hidden[start : start + len(last.trunk)] = False
    hidden[len(hidden) - len(last.branches[-1]) :] = False
    (gradient,) = torch.autograd.grad(values[-1], watched[0])
    return bool(gradient[0, hidden].any())
