"""What came of one model type in one precision."""

from dataclasses import dataclass
from typing import Literal

PRECISIONS = "fp32", "bf16"

Result = Literal["shared", "separate", "refused", "failed"]


@dataclass(frozen=True)
class Task:
    """One model type in one precision, to be examined."""

    name: str
    precision: str


@dataclass(frozen=True)
class Outcome:
    """A row of `tests/models/examine.py`, or that there is none."""

    name: str
    precision: str
    result: Result
    why: str
    """One sentence: the reason of a refusal or a failure, or of separate passes."""
    lora_share: float | None
    """Of the weights outside embeddings; None where no adapter was made."""
    left_out: str
    """What LoRA does not reach."""

    @classmethod
    def failure(cls, task: Task, why: str) -> "Outcome":
        """No row, and why."""
        return cls(task.name, task.precision, "failed", f"failed: {why}", None, "")

    def document(self) -> dict[str, object]:
        """What a program reads of it."""
        fields = ("name", "precision", "result", "why", "lora_share")
        return {name: getattr(self, name) for name in fields}
