"""Stages whose pairs are the model's own answers: how they are sampled, and how often that is repeated."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol, Self, TypeVar

from pydantic import Field

from grice_core.data.rules import FrozenModel

PairsFrom = Literal["data", "model"]
"""Where a stage's pairs come from: the data set, or the model as it stands before the stage."""


class SampleSettings(FrozenModel):
    """How a model's answers are sampled and paired, the best of a prompt against the worst."""

    k: int = Field(default=4, ge=2, le=64)
    """Answers per prompt."""
    temperature: float = Field(default=1.0, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    """None: as many as in the evaluation. An answer without its end of text is never chosen."""
    num_prompts: int | None = Field(default=None, ge=1)
    """Training prompts to ask; None: all."""
    min_gain: float = Field(default=0.1, gt=0, le=1)
    """By how much, as the weighted mean over the trained maxims, chosen must be better than rejected."""
    max_loss: float = Field(default=0.1, ge=0, le=1)
    """By how much chosen may be worse on a maxim that the stage gives no weight."""


class Repeated(Protocol):
    """What may stand for several rounds of itself."""

    @property
    def name(self) -> str: ...

    @property
    def rounds(self) -> int | None: ...

    def model_copy(self, *, update: Mapping[str, Any]) -> Self: ...


Stage = TypeVar("Stage", bound=Repeated)


def expanded(stages: Iterable[Stage]) -> Iterator[Stage]:
    """Each stage of several rounds as so many stages: `own` with `rounds: 2` becomes `own1`, `own2`."""
    for stage in stages:
        if stage.rounds is None:
            yield stage
            continue
        for number in range(1, stage.rounds + 1):
            changes = {"name": f"{stage.name}{number}", "rounds": None, "round": number}
            yield stage.model_copy(update=changes)
