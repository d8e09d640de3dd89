"""Preference losses by name: each is one class, which recipes, training, preflight, cards and pages ask.

Names and values are those of TRL 1.16 (`DPOConfig.loss_type`, where `dpo` is called `sigmoid`). A response's
tokens include its end of text.

A new loss is one more class here: it registers itself under its name. Recipes need no torch, so it is
imported where a loss is computed.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Objective(ABC):
    """A loss of one number per pair; its dataclass fields are the recipe settings that it takes."""

    name: ClassVar[str]
    """As `loss_type` of a recipe says it."""
    title: ClassVar[str]
    equation: ClassVar[str]
    """Of one pair, with the recipe's own names for settings."""
    source: ClassVar[str]
    is_length_normalised: ClassVar[bool] = False
    """Whether it takes Δ̄ in place of Δ."""

    def __init_subclass__(cls) -> None:
        OBJECTIVES[cls.name] = cls

    @abstractmethod
    def losses(self, delta: "Tensor", beta: float) -> "Tensor":
        """(n,) loss of each pair from (n,) Δ, or Δ̄ if it is length-normalised, before the pair's weight."""

    def at_zero(self, beta: float) -> float:  # noqa: ARG002
        """The loss where policy and reference agree (Δ = 0), worked out by hand, which training starts
        from: ln 2 for whatever is a mean of ± log σ."""
        return math.log(2)

    @classmethod
    def settings(cls) -> tuple[str, ...]:
        """Names of the recipe's settings that it needs besides beta."""
        return tuple(field.name for field in fields(cls))


DELTA = (
    "Δ = (π_chosen − π_rejected) − (ref_chosen − ref_rejected), in log-probabilities of whole responses; Δ̄ "
    "has each response's difference divided by its number of tokens"
)
"""What the equations are written in."""

OBJECTIVES: dict[str, type[Objective]] = {}
"""Every loss by its name."""


@dataclass(frozen=True)
class Dpo(Objective):
    """Direct preference optimisation: equation 7 of its paper."""

    name = "dpo"
    title = "DPO"
    equation = "−log σ(β · Δ)"
    source = "arXiv 2305.18290"

    def losses(self, delta: "Tensor", beta: float) -> "Tensor":
        return -_log_sigmoid(beta * delta)


@dataclass(frozen=True)
class Ipo(Objective):
    """Identity preference optimisation: a margin of 1 / (2β) per token is enough, more costs again.

    Equation 17 of its paper, but per token, as its authors and TRL have it.
    """

    name = "ipo"
    title = "IPO"
    equation = "(Δ̄ − 1 / (2β))²"
    source = "arXiv 2310.12036"
    is_length_normalised = True

    def losses(self, delta: "Tensor", beta: float) -> "Tensor":
        return (delta - 1 / (2 * beta)) ** 2

    def at_zero(self, beta: float) -> float:
        return 1 / (4 * beta**2)


@dataclass(frozen=True)
class Robust(Objective):
    """DPO where a share of the preferences is the wrong way round; may fall below 0."""

    name = "robust"
    title = "robust DPO"
    equation = (
        "((1 − label_smoothing) · −log σ(β · Δ) − label_smoothing · −log σ(−β · Δ)) "
        "/ (1 − 2 · label_smoothing)"
    )
    source = "arXiv 2403.00409"

    label_smoothing: float
    """Share of the pairs whose preference is believed to be flipped, below 0.5."""

    def losses(self, delta: "Tensor", beta: float) -> "Tensor":
        as_labelled = -_log_sigmoid(beta * delta)
        flipped = -_log_sigmoid(-beta * delta)
        epsilon = self.label_smoothing
        return ((1 - epsilon) * as_labelled - epsilon * flipped) / (1 - 2 * epsilon)


@dataclass(frozen=True)
class SigmoidNorm(Objective):
    """DPO per token, so that long responses don't count for more."""

    name = "sigmoid_norm"
    title = "length-normalised DPO"
    equation = "−log σ(β · Δ̄)"
    source = "arXiv 2411.15124"
    is_length_normalised = True

    def losses(self, delta: "Tensor", beta: float) -> "Tensor":
        return -_log_sigmoid(beta * delta)


def objective(name: str, **settings: Any) -> Objective:
    """The loss of this name, with those of the settings that it takes.

    `objective("robust", label_smoothing=0.1)`. Raises: KeyError, if there is none or it lacks a setting.
    """
    kind = OBJECTIVES[name]
    return kind(**{setting: settings[setting] for setting in kind.settings()})


def _log_sigmoid(values: "Tensor") -> "Tensor":
    from torch.nn.functional import logsigmoid

    return logsigmoid(values)
