"""Which prompts a model is judged on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grice_core.data.leakage import distinct, leaking
from grice_core.data.prompts import normalise_prompt
from grice_core.errors import DataError

LeakagePolicy = Literal["drop-eval", "drop-train", "keep"]
"""What happens to prompts that stand in both files: out of the evaluation, out of training, nothing."""


@dataclass(frozen=True)
class PromptSelection:
    """The prompts of an evaluation, and what became of the others."""

    prompts: tuple[str, ...]
    policy: LeakagePolicy
    num_rows: int
    """Rows of the evaluation file."""
    num_distinct: int
    """Distinct prompts among them."""
    num_leaking_rows: int
    """Rows whose prompt also stands in the training file."""
    num_left_out: int
    """Distinct prompts left out since they leak."""

    def counts(self) -> dict[str, int | str]:
        """The numbers, for the results."""
        return {
            "policy": self.policy,
            "rows": self.num_rows,
            "distinct": self.num_distinct,
            "leaking_rows": self.num_leaking_rows,
            "left_out": self.num_left_out,
            "used": len(self.prompts),
        }


def select_prompts(
    prompts: Sequence[str],
    training_prompts: Sequence[str],
    *,
    policy: LeakagePolicy,
    num_prompts: int,
    seed: int,
) -> PromptSelection:
    """Choose at most `num_prompts` distinct prompts.

    With `drop-eval`, prompts that were also trained on are left out. The choice goes by the hash of
    (seed, prompt), so it depends neither on the order of the file nor, prompt by prompt, on the others.

    Raises:
        DataError: No prompt is left.
    """
    leaks = leaking(prompts, training_prompts)
    first = distinct(prompts)
    usable = [i for i in first if policy != "drop-eval" or not leaks[i]]
    if not usable:
        raise DataError(_nothing_left(len(prompts)))
    chosen = sorted((prompts[i] for i in usable), key=lambda prompt: _order(seed, prompt))
    return PromptSelection(
        prompts=tuple(chosen[:num_prompts]),
        policy=policy,
        num_rows=len(prompts),
        num_distinct=len(first),
        num_leaking_rows=int(leaks.sum()),
        num_left_out=len(first) - len(usable),
    )


def _order(seed: int, prompt: str) -> bytes:
    return hashlib.sha256(f"evaluation\n{seed}\n{normalise_prompt(prompt)}".encode()).digest()


def _nothing_left(num_rows: int) -> str:
    if num_rows == 0:
        return "the evaluation file has no usable prompt: give another file"
    return (
        f"each of the {num_rows} evaluation rows has a prompt that is also trained on: "
        "give another evaluation file, or choose --leakage drop-train or keep"
    )
