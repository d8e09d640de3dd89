"""What the detector says about a model's responses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.maxims import MAXIMS

COOPERATIVE = "cooperative"
MEASURES: tuple[str, ...] = (*(str(maxim) for maxim in MAXIMS), COOPERATIVE)
"""What is counted per response: four violations, lower is better, and none of them, higher is better."""


@dataclass(frozen=True, eq=False)
class EvaluatedModel:
    """N responses of one model, judged.

    Several responses to one prompt are allowed; models that are compared answer the same prompts.
    """

    name: str
    """`baseline`, `stage1`, …"""
    prompts: Sequence[str]
    responses: Sequence[str]
    scores: FloatArray
    """(N, 4) violation probabilities, columns in the order of `MAXIMS`."""
    thresholds: FloatArray
    """(4,) a score above its maxim's threshold is a violation."""
    cut: frozenset[int] = frozenset()
    """Rows of the responses that were cut at the token limit, as far as that was noted."""
    tokens: IntArray | None = None
    """(N,) tokens of each response, without the one that ended it; None if they were not counted."""
    num_taken_over: int = 0
    """Responses that an earlier run had written."""

    def __post_init__(self) -> None:
        num_responses = len(self.responses)
        if len(self.prompts) != num_responses or self.scores.shape != (num_responses, len(MAXIMS)):
            raise ValueError("one prompt and four scores are needed for each response")
        if num_responses == 0 or not np.isfinite(self.scores).all():
            raise ValueError("at least one response is needed, and every score must be a number")

    @cached_property
    def violated(self) -> BoolArray:
        """(N, 4) which maxims each response violates."""
        return np.asarray(self.scores > self.thresholds)

    @cached_property
    def cooperative(self) -> BoolArray:
        """(N,) which responses violate no maxim."""
        return np.asarray(~self.violated.any(axis=1))

    @cached_property
    def num_empty(self) -> int:
        """Responses without a word."""
        return sum(not response.strip() for response in self.responses)

    @cached_property
    def outcomes(self) -> BoolArray:
        """(N, 5) in the order of `MEASURES`."""
        return np.column_stack([self.violated, self.cooperative])

    @cached_property
    def bad(self) -> BoolArray:
        """(N, 5) in the order of `MEASURES`: violated, and for `cooperative`: not cooperative."""
        return np.column_stack([self.violated, ~self.cooperative])

    @cached_property
    def rates(self) -> dict[str, float]:
        """Share of the responses per measure, as fractions."""
        return dict(zip(MEASURES, self.outcomes.mean(axis=0).tolist(), strict=True))

    @cached_property
    def rows_of_prompt(self) -> dict[str, list[int]]:
        """Rows of each distinct prompt's k responses, prompts in the order of first occurrence.

        Raises:
            ValueError: Not every prompt has the same number of responses.
        """
        rows: dict[str, list[int]] = {}
        for row, prompt in enumerate(self.prompts):
            rows.setdefault(prompt, []).append(row)
        if len({len(at) for at in rows.values()}) > 1:
            raise ValueError(f"{self.name}: every prompt needs the same number of responses")
        return rows

    @property
    def num_prompts(self) -> int:
        """Distinct prompts (M)."""
        return len(self.rows_of_prompt)

    @property
    def samples_per_prompt(self) -> int:
        """Responses to each prompt (k)."""
        return len(self.responses) // self.num_prompts

    def outcomes_of(self, prompts: Sequence[str]) -> FloatArray:
        """(M, k, 5) outcomes, 0 or 1, of the responses to these M distinct prompts."""
        rows = [self.rows_of_prompt[prompt] for prompt in prompts]
        outcomes: FloatArray = self.outcomes[np.array(rows)].astype(np.float64)
        return outcomes
