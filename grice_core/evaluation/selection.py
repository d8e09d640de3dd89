"""Which prompts a model is judged on."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from grice_core.chat.format import Prompt
from grice_core.data.leakage import distinct, leaking, near_leaks
from grice_core.data.load import Prompts
from grice_core.data.messages import Messages, Tools
from grice_core.data.near_duplicates import NEAR
from grice_core.data.pairs import BoolArray
from grice_core.data.prompts import normalise_prompt
from grice_core.errors import DataError
from grice_core.progress import Progress, silent
from grice_core.recipes.config import NumPrompts

LeakagePolicy = Literal["drop-eval", "hold-out", "drop-train", "keep"]
"""What happens to prompts that stand in both files: out of the evaluation; those that are asked out of
training; all of them out of training; nothing."""

Half = Literal["search", "confirmation"]
"""What some prompts are for, where settings are chosen by what they give on them: choosing, or checking the
choice on prompts that it did not see."""

AUTO_PROMPTS = 300
"""As many are asked where no number is named: with them a model that improves every maxim, the least from
10 to 3 %, is told from the baseline nine times in ten (`planning.py`)."""
_AUTO_HELD_OUT = 100
_HELD_OUT_PART = 5
"""Where no number is named, at most a fifth of the training prompts is held out, or `_AUTO_HELD_OUT` of few."""


@dataclass(frozen=True)
class NearAsked:
    """The asked prompts that nearly, not exactly, stand in what is trained on."""

    count: int
    """Those whose similarity is `NEAR` or more."""
    similarity: float = 0.0
    """Of the most similar one to its nearest training prompt."""
    prompt: str = ""
    training_prompt: str = ""

    def sentence(self, num_prompts: int) -> str:
        """What to beware of."""
        return (
            f"{self.count:,} of the {num_prompts:,} evaluation prompts nearly stand in the training data "
            f"(similarity {NEAR:g} or more, at most {self.similarity:.2f}): gains there may be memorised"
        )


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
    num_available: int = 0
    """Prompts that could be asked, were so large a number named."""
    similarity: float = 1.0
    """From which on prompts count as the same."""
    near: NearAsked | None = None
    """`None`: not looked for."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to beware of, a sentence each."""
        if self.near is None or not self.near.count:
            return ()
        return (f"{self.near.sentence(len(self.prompts))}.",)

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

    def half(self, which: Half) -> Self:
        """Every second prompt.

        Raises: NoPromptsError, if there are fewer than two.
        """
        if len(self.prompts) < 2:
            raise NoPromptsError(self.num_rows, held_out=self.policy == "hold-out")
        rows = slice(int(which == "confirmation"), None, 2)
        return replace(
            self, prompts=self.prompts[rows], messages=self.messages[rows], tools=self.tools[rows]
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
            **({} if self.near is None else {"near_duplicates": self.near.count}),
        }


def select_prompts(
    prompts: Prompts,
    training_prompts: Sequence[str],
    *,
    policy: LeakagePolicy,
    num_prompts: NumPrompts,
    seed: int,
    similarity: float = 1.0,
) -> PromptSelection:
    """Choose at most `num_prompts` distinct prompts.

    With `drop-eval`, prompts that were also trained on are left out; with `hold-out`, at most half of
    the training prompts are chosen, or, if `num_prompts` is `auto`, a fifth. The choice goes by the hash
    of (seed, prompt), so it depends neither on the order of the file nor, prompt by prompt, on the others.

    Raises:
        NoPromptsError: No prompt is left.
    """
    texts = prompts.prompts
    leaks = leaking(texts, training_prompts)
    if similarity < 1:
        leaks |= near_leaks(texts, training_prompts).of_evaluation(similarity)
    first = distinct(texts)
    usable = [i for i in first if policy != "drop-eval" or not leaks[i]]
    usable.sort(key=lambda i: _order(seed, texts[i]))
    available = may_be_asked = usable
    if policy == "hold-out":
        num_training = len(distinct(training_prompts))
        available = _with_held_out(usable, leaks, num_training // 2)
        may_be_asked = _with_held_out(usable, leaks, _most_held_out(num_training, num_prompts))
    if not may_be_asked:
        raise NoPromptsError(len(texts), held_out=policy == "hold-out")
    chosen = may_be_asked[: AUTO_PROMPTS if num_prompts == "auto" else num_prompts]
    return PromptSelection(
        prompts=tuple(texts[i] for i in chosen),
        messages=tuple(prompts.messages[i] for i in chosen),
        tools=tuple(prompts.tools[i] for i in chosen),
        policy=policy,
        num_rows=len(texts),
        num_distinct=len(first),
        num_leaking_rows=int(leaks.sum()),
        num_left_out=len(first) - len(usable),
        num_available=len(available),
        similarity=similarity,
    )


@dataclass(frozen=True, eq=False)
class AskedPrompts:
    """What an evaluation asks, and what that costs the training."""

    selection: PromptSelection
    left_out: BoolArray
    """(N,) the pairs that training loses to it."""


def _with_held_out(usable: Sequence[int], leaks: BoolArray, most: int) -> list[int]:
    """Those of the rows that don't leak, and the first `most` of those that do."""
    taken = itertools.accumulate(int(leaks[i]) for i in usable)
    return [i for i, held in zip(usable, taken, strict=True) if held <= most or not leaks[i]]


def _most_held_out(num_training: int, num_prompts: NumPrompts) -> int:
    """How many of the training prompts may be asked: training needs them too."""
    half = num_training // 2
    if num_prompts != "auto":
        return half
    return min(half, max(_AUTO_HELD_OUT, num_training // _HELD_OUT_PART))


def left_out_of_training(
    training_prompts: Sequence[str], prompts: Sequence[str], selection: PromptSelection
) -> BoolArray:
    """(len(training_prompts),) the pairs that training loses to the evaluation of a file's prompts."""
    lost: dict[LeakagePolicy, Sequence[str]] = {
        "drop-train": prompts,
        "hold-out": selection.prompts,
    }
    prompts = lost.get(selection.policy, ())
    left_out = leaking(training_prompts, prompts)
    if prompts and selection.similarity < 1:
        left_out |= near_leaks(prompts, training_prompts).training.reaches(selection.similarity)
    return left_out


def near_asked(
    prompts: Sequence[str], training_prompts: Sequence[str], progress: Progress = silent
) -> NearAsked:
    """What of the asked prompts nearly stands in those that are trained on."""
    found = near_leaks(prompts, training_prompts, progress)
    count = int(np.count_nonzero(found.of_evaluation(NEAR)))
    if not count:
        return NearAsked(0)
    asked = int(found.most_similar()[0])
    other = training_prompts[int(found.evaluation.other[asked])]
    return NearAsked(count, float(found.evaluation.similarity[asked]), prompts[asked], other)


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
