"""What every detector can do: texts in, violation probabilities out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.detector.record import DetectorRecord
from grice_core.detector.seen_nearly import SeenShingles
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError
from grice_core.maxims import Maxim
from grice_core.progress import Progress, silent


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a detector says about N texts."""

    logits: FloatArray
    """(N, 4) in the order of `MAXIMS`, before temperatures."""
    response_cut: BoolArray
    """(N,) where the response alone was longer than the detector can read."""

    def __post_init__(self) -> None:
        """Raises: DetectorError, if a logit is not a number: no threshold would call that a violation."""
        if np.isnan(self.logits).any():
            raise DetectorError(
                "the detector's scores are not numbers: its weights are damaged, or too large for this "
                "precision (with fp32 they may not be)"
            )


@dataclass(frozen=True, eq=False)
class Detector(ABC):
    """Judges whether a response violates each maxim."""

    record: DetectorRecord
    seen: frozenset[str] | None
    """Hashes of the texts that it was made with (`seen.text_hash`); None: not known."""
    seen_shingles: SeenShingles | None
    """By which near-duplicates of these are known; None: not known."""

    @property
    @abstractmethod
    def numerics(self) -> str:
        """What its numbers depend on besides its record, such as the number format."""

    @property
    @abstractmethod
    def window_pairs(self) -> int:
        """Pairs that it judges in one go: with fewer it is slow, with more a killed run loses more."""

    @abstractmethod
    def judge(self, texts: Sequence[JudgedText], *, progress: Progress = silent) -> Judgement:
        """Judge each distinct text once."""

    @property
    def unknown_training(self) -> str | None:
        """What to say where it isn't known which texts it was made with; None: there were none."""
        return (
            "Which texts the detector was trained on isn't known; if these are among them, its "
            "figures are better than it is."
        )

    @property
    def thresholds(self) -> FloatArray:
        """(4,) a maxim counts as violated where its probability is above this."""
        return self.record.thresholds.as_array()

    @property
    def weak_maxims(self) -> tuple[Maxim, ...]:
        """Maxims that it was found too weak to judge; none where it was never evaluated."""
        return self.record.metrics.weak_maxims if self.record.metrics else ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user of its scores should know."""
        return self.record.remarks

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader has to know before believing what it says: remarks, and which maxims it can't judge."""
        too_weak = [f"The detector is too weak to judge {maxim}." for maxim in self.weak_maxims]
        metrics = self.record.metrics
        unmeasured = [
            f"How well the detector judges {maxim} is not known: {reason}."
            for maxim, reason in (metrics.unmeasured_maxims if metrics else {}).items()
        ]
        harshness = metrics.harshness if metrics else None
        too_harsh = [f"The detector is too harsh: {harshness}."] if harshness else []
        return (*self.remarks, *too_weak, *unmeasured, *too_harsh)

    def score(
        self, prompts: Sequence[str], responses: Sequence[str], *, progress: Progress = silent
    ) -> FloatArray:
        """(N, 4) violation probabilities, in the order of `MAXIMS`."""
        texts = [JudgedText.from_pair(*pair) for pair in zip(prompts, responses, strict=True)]
        return self.probabilities(self.judge(texts, progress=progress))

    def probabilities(self, judgement: Judgement) -> FloatArray:
        """(N, 4) violation probabilities: sigmoid(logit / temperature) per maxim."""
        scaled: FloatArray = expit(judgement.logits / self.record.temperatures.as_array())
        return scaled
