"""What is wrong with a training run, in words.

Each check reads the records of the steps so far and finds one kind of trouble, or None. They change
nothing and stop nothing. Training ends by itself at a step without a finite loss, and anyone who watches
it ends it where the loss has diverged: nothing is learned any more then.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from grice_core.dpo.examples import HELDOUT
from grice_core.dpo.metrics import SFT_LOSS, Metrics

FIRST_STEPS = 10
"""A loss of 0 within these steps was not learned."""

NO_LOSS = 1e-4
"""Below this nothing is left to learn from."""

WINDOW = 25
"""Steps over which the metrics of single steps, a few pairs each, are averaged."""

DIVERGED = 10.0
"""A loss so many times that of the untrained policy is no noise."""

EXPLODED = 1000.0
"""A gradient typically so many times that of the first step is not learning's."""

COLLAPSE = 0.5
"""Share of its log-probability at the start by which a response may become less likely."""

LOST = 0.4
"""An accuracy below this says that preferences went the other way; 0.5 is no change."""

LOST_NATS = 0.5
"""… if they did so by more than this on average."""


class Trouble(StrEnum):
    """Kinds of trouble."""

    NOT_FINITE = "not-finite"
    DIVERGED = "diverged"
    DEGENERATE_START = "degenerate-start"
    CHOSEN_COLLAPSE = "chosen-collapse"
    LOST_RETENTION = "lost-retention"


@dataclass(frozen=True)
class Finding:
    """Something that a person should know about a run."""

    trouble: Trouble
    step: int
    """Optimizer step at which it was first seen."""
    message: str
    """What was seen, what it means and what to do."""


def findings(before: Metrics, records: Sequence[Metrics]) -> list[Finding]:
    """All trouble seen so far, each kind once, at the step where it was first seen.

    `before` holds the watched groups' metrics before the first step, `records` one entry per step.
    """
    found = (
        not_finite(records),
        diverged(before, records),
        degenerate_start(records),
        chosen_collapse(records),
        lost_retention(before, records),
    )
    return [finding for finding in found if finding]


def not_finite(records: Sequence[Metrics]) -> Finding | None:
    """A metric that is NaN or infinite."""
    for record in records:
        broken = [name for name, value in record.items() if not math.isfinite(value)]
        if broken:
            step = int(record["step"])
            return Finding(
                Trouble.NOT_FINITE,
                step,
                f"{broken[0]} is not a finite number at step {step}: the weights have blown up. "
                "Lower learning_rate, or compute in fp32",
            )
    return None


def diverged(before: Metrics, records: Sequence[Metrics]) -> Finding | None:
    """A loss that has left where it began, in training and on held-out pairs alike.

    By far, or by less while gradients explode. A policy that has merely learned its pairs by heart has
    a high loss on held-out pairs only.
    """
    if _LOSS not in before:
        return None
    too_much = DIVERGED * before[_LOSS]
    for end in range(FIRST_STEPS, len(records) + 1):
        recent = records[max(0, end - WINDOW) : end]
        mean = sum(record["loss"] for record in recent) / len(recent)
        least = min(mean, records[end - 1].get(_LOSS, 0.0))
        exploded = EXPLODED * _gradient(records[:1])
        if least > too_much:
            since = next(record for record in records if record["loss"] > too_much)
        elif least > before[_LOSS] and _gradient(recent) > exploded:
            since = next(record for record in records if record[_GRADIENT] > exploded)
        else:
            continue
        return Finding(
            Trouble.DIVERGED,
            int(records[end - 1]["step"]),
            f"the loss has diverged since step {int(since['step'])}: lower the learning rate. It is "
            f"{mean:.3g} on average over {len(recent)} steps, and was {before[_LOSS]:.2g} before the "
            "first one",
        )
    return None


def degenerate_start(records: Sequence[Metrics]) -> Finding | None:
    """A loss of 0 with every pair won, before anything can have been learned."""
    for record in records[:FIRST_STEPS]:
        if _nothing_left(record) and record["rewards/accuracies"] == 1.0:
            step = int(record["step"])
            return Finding(
                Trouble.DEGENERATE_START,
                step,
                f"at step {step} the loss is {record['loss']:.1g} and every pair is won already: "
                "something other than quality tells the responses apart, or beta or learning_rate "
                "is far too high",
            )
    return None


def chosen_collapse(records: Sequence[Metrics]) -> Finding | None:
    """The chosen responses themselves becoming unlikely, although they win.

    Policy minus reference is `rewards/chosen` / beta, on the very pairs of a step, so that it does
    not matter which pairs the step has.
    """
    window = min(WINDOW, len(records))
    gains = [record["rewards/chosen"] / record["beta"] for record in records]
    starts = [record["logps/chosen"] - gain for record, gain in zip(records, gains, strict=True)]
    for end in range(window, len(records) + 1):
        gain, start = (sum(values[end - window : end]) for values in (gains, starts))
        if gain < COLLAPSE * start:
            step = int(records[end - 1]["step"])
            return Finding(
                Trouble.CHOSEN_COLLAPSE,
                step,
                f"the chosen responses have gone from {start / window:.0f} to "
                f"{(start + gain) / window:.0f} nats by step {step}: the model forgets how to "
                "write them, and wins only because it forgets the rejected ones faster. Set "
                "sft_weight, which trains the chosen responses themselves (raise it if it is set), "
                "raise beta, lower learning_rate, or train for fewer epochs",
            )
    return None


def lost_retention(before: Metrics, records: Sequence[Metrics]) -> Finding | None:
    """What an earlier stage taught turning around, on that stage's own held-out pairs."""
    for group in _earlier_stages(before):
        for record in records:
            accuracy = record.get(group + _ACCURACY, 0.5)
            if accuracy >= LOST:
                continue
            lost = _preference(before, group) - _preference(record, group)
            if lost > LOST_NATS:
                step = int(record["step"])
                return Finding(
                    Trouble.LOST_RETENTION,
                    step,
                    f"this stage undoes {group.rpartition('/')[2]}: by step {step}, {1 - accuracy:.0%} "
                    "of that stage's held-out pairs lean less towards the chosen response than "
                    f"before, by {lost:.1f} nats on average. Lower learning_rate, raise beta, or "
                    "train for fewer epochs",
                )
    return None


_ACCURACY = "/rewards/accuracies"
_LOSS = f"{HELDOUT}/loss"
_GRADIENT = "grad_norm"


def _gradient(records: Sequence[Metrics]) -> float:
    """How large the gradient typically was."""
    return median(record.get(_GRADIENT, 0.0) for record in records)


def _nothing_left(record: Metrics) -> bool:
    """Whether a preference loss has no more to teach.

    A loss that can fall below 0 (robust DPO) passes 0 long before that: there the reward margin must be
    so large that a DPO loss would be `NO_LOSS`.
    """
    loss = record["loss"] - record.get(SFT_LOSS, 0.0)
    return loss <= NO_LOSS and (loss >= 0 or record["rewards/margins"] >= -math.log(NO_LOSS))


def _earlier_stages(before: Metrics) -> list[str]:
    """The watched groups that are not the stage's own."""
    groups = [name.removesuffix(_ACCURACY) for name in before if name.endswith(_ACCURACY)]
    return [group for group in groups if group != HELDOUT]


def _preference(metrics: Metrics, group: str) -> float:
    """How much more likely the chosen responses of a group are, in nats."""
    return metrics[f"{group}/logps/chosen"] - metrics[f"{group}/logps/rejected"]
