"""The detector of a pipeline and the judge beside it, each loaded once, when it is needed."""

from functools import cached_property

import torch

from grice_core.detector.judge import Detector
from grice_core.detector.load import load_detector
from grice_core.errors import DetectorError
from grice_core.pipeline.config import PipelineConfig


class Judges:
    """Who judges the answers of one pipeline."""

    def __init__(self, config: PipelineConfig, device: torch.device) -> None:
        self._config = config
        self._device = device

    @cached_property
    def detector(self) -> Detector:
        """The judge.

        Raises: DetectorError.
        """
        return self._load(self._config.detector)

    @cached_property
    def second(self) -> Detector | None:
        """The judge beside it, if one is named.

        Raises: DetectorError.
        """
        source = self._config.second_judge
        if source is None:
            return None
        judge = self._load(source)
        if judge.record.fingerprint == self.detector.record.fingerprint:
            raise DetectorError(
                f"the second judge {source} is the detector itself: name one that was trained on other "
                "labels (grice detector train --disjoint 2), or a language model"
            )
        return judge

    def load(self) -> tuple[Detector, Detector | None]:
        """Both.

        Raises: DetectorError.
        """
        return self.detector, self.second

    def _load(self, source: str) -> Detector:
        return load_detector(source, self._device, self._config.precision)
