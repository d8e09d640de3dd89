"""Which prompts a model is judged on."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from grice_core.chat.format import Prompt
from grice_core.data.leakage import distinct, leaking
from grice_core.data.load import Prompts
from grice_core.data.messages import Messages, Tools
from grice_core.data.pairs import BoolArray
from grice_core.data.prompts import normalise_prompt
from grice_core.errors import DataError

LeakagePolicy = Literal["drop-eval", "hold-out", "drop-train", "keep"]
"""What happens to prompts that stand in both files: out of the evaluation; those that are asked out of
training; all of them out of training; nothing."""


@dataclass(frozen=True)
class PromptSelection:
    """The prompts of an evaluation, and what became of the others."""

    prompts: tuple[str, ...]
    messages: tuple[Messages | None, ...]
    """One per prompt: what a conversational prompt was flattened from; `None` = plain text."""
    tools: tuple[Tools, ...]
    """One per prompt: what its conversation may call."""
    policy: LeakagePolicy
    num_rows: int
    """Rows of the evaluation file."""
    num_distinct: int
    """Distinct prompts among them."""
    num_leaking_rows: int
    """Rows whose prompt also stands in the training file."""
    num_left_out: int
    """Distinct prompts left out since they leak."""

    @property
    def asked(self) -> list[Prompt]:
        """The prompts with their conversations."""
        columns = zip(self.prompts, self.messages, self.tools, strict=True)
        return [Prompt(*fields) for fields in columns]

    def first(self, count: int) -> Self:
        """The first prompts only."""
        return replace(
            self,
            prompts=self.prompts[:count],
            messages=self.messages[:count],
            tools=self.tools[:count],
        )

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
    prompts: Prompts,
    training_prompts: Sequence[str],
    *,
    policy: LeakagePolicy,
    num_prompts: int,
    seed: int,
) -> PromptSelection:
    """Choose at most `num_prompts` distinct prompts.

    With `drop-eval`, prompts that were also trained on are left out; with `hold-out`, at most half of
    the training prompts are chosen. The choice goes by the hash of (seed, prompt), so it depends neither
    on the order of the file nor, prompt by prompt, on the others.

    Raises:
        NoPromptsError: No prompt is left.
    """
    texts = prompts.prompts
    leaks = leaking(texts, training_prompts)
    first = distinct(texts)
    usable = [i for i in first if policy != "drop-eval" or not leaks[i]]
    usable.sort(key=lambda i: _order(seed, texts[i]))
    if policy == "hold-out":
        most = len(distinct(training_prompts)) // 2
        taken = itertools.accumulate(int(leaks[i]) for i in usable)
        may_be_asked = [
            i for i, held in zip(usable, taken, strict=True) if held <= most or not leaks[i]
        ]
    else:
        may_be_asked = usable
    if not may_be_asked:
        raise NoPromptsError(len(texts), held_out=policy == "hold-out")
    chosen = may_be_asked[:num_prompts]
    return PromptSelection(
        prompts=tuple(texts[i] for i in chosen),
        messages=tuple(prompts.messages[i] for i in chosen),
        tools=tuple(prompts.tools[i] for i in chosen),
        policy=policy,
        num_rows=len(texts),
        num_distinct=len(first),
        num_leaking_rows=int(leaks.sum()),
        num_left_out=len(first) - len(usable),
    )


def left_out_of_training(
    training_prompts: Sequence[str], prompts: Sequence[str], selection: PromptSelection
) -> BoolArray:
    """(len(training_prompts),) the pairs that training loses to the evaluation of a file's prompts."""
    lost: dict[LeakagePolicy, Sequence[str]] = {
        "drop-train": prompts,
        "hold-out": selection.prompts,
    }
    return leaking(training_prompts, lost.get(selection.policy, ()))


class NoPromptsError(DataError):
    """There is no prompt to evaluate on."""

    def __init__(self, num_rows: int, *, held_out: bool) -> None:
        super().__init__(_nothing_left(num_rows, held_out=held_out))
        self.num_rows = num_rows
        """Of the evaluation file."""
        self.held_out = held_out
        """Whether the prompts were to be held out of the training data."""


def _order(seed: int, prompt: str) -> bytes:
    return hashlib.sha256(f"evaluation\n{seed}\n{normalise_prompt(prompt)}".encode()).digest()


def _nothing_left(num_rows: int, *, held_out: bool) -> str:
    if num_rows == 0:
        return "the evaluation file has no usable prompt: give another file"
    if held_out:
        return "with fewer than two distinct prompts none can be held out: bring more pairs"
    return (
        f"each of the {num_rows} evaluation rows has a prompt that is also trained on: "
        "give another evaluation file, or choose --leakage hold-out, drop-train or keep"
    )
