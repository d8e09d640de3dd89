"""One prompt put to the plain base and to every stage at once, on one model in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from peft import PeftModel

from grice_core.chat.choice import FormatChoice
from grice_core.detector.judge import Detector
from grice_core.dpo.base import BaseModel
from grice_core.dpo.hub import loading_errors
from grice_core.errors import ModelError
from grice_core.evaluation.generation import stream
from grice_core.evaluation.sampling import Sampling
from grice_core.kernels.stored import seen_as_fp32
from grice_core.pipeline.judging import BASELINE
from grice_core.pipeline.output import is_whole_model


@dataclass(frozen=True)
class Reply:
    """A model's answer so far."""

    model: str
    text: str
    scores: tuple[float, ...] | None = None
    """Four violation probabilities in the order of `MAXIMS`, once the answer is complete."""


class SideBySide:
    """The plain base and its adapters, of which one is switched on at a time."""

    def __init__(
        self,
        base: BaseModel,
        adapters: Mapping[str, Path],
        detector: Detector,
        dtype: torch.dtype,
        format_choice: FormatChoice | None = None,
    ) -> None:
        """Load the adapters.

        Args:
            base: is changed: layers that can be adapted are wrapped.
            adapters: folder of each stage's adapter for the plain base, by the stage's name.
            detector: judges the answers.
            dtype: number format of matrix products.
            format_choice: how the models were trained to be asked.

        Raises:
            ModelError: an adapter can't be loaded, or the format does not fit the base.
        """
        self._form = (format_choice or FormatChoice()).of(base.tokenizer)
        self.models: tuple[str, ...] = (BASELINE, *adapters)
        self.detector = detector
        self._base = base
        self._dtype = dtype
        self._policy: PeftModel | None = None
        for place, (stage, folder) in enumerate(adapters.items(), start=1):
            if is_whole_model(folder):
                raise ModelError(
                    f"{stage} was published as a whole model, which can't be asked beside its base: load "
                    "it by itself, with transformers"
                )
            with loading_errors("adapter", str(folder)), seen_as_fp32(base.model):
                self._add(place, folder)
        base.model.eval()

    def _add(self, place: int, folder: Path) -> None:
        name = _adapter_name(place)
        if self._policy is None:
            self._policy = PeftModel.from_pretrained(
                self._base.model, str(folder), adapter_name=name
            )
        else:
            self._policy.load_adapter(str(folder), adapter_name=name)

    def answer(
        self, prompt: str, sampling: Sampling, *, same_noise: bool = True
    ) -> Iterator[Reply]:
        """Every model's answer as it grows, the models taking turns; scores with the last of each.

        Args:
            prompt: What all are asked.
            sampling: As an evaluation samples; the samples per prompt don't count.
            same_noise: Whether every model meets the same draws, as in an evaluation; else each has
                a seed of its own.

        Raises:
            ModelError: A model has too few positions, or its logits are not numbers.
            DataError: The chat template refuses the prompt.
        """
        samplings = [
            sampling if same_noise else replace(sampling, seed=sampling.seed + 7919 * place)
            for place in range(len(self.models))
        ]
        model, tokenizer = self._base.model, self._base.tokenizer
        texts = [stream(model, tokenizer, prompt, each, self._form) for each in samplings]
        latest = [""] * len(texts)
        going_on = list(range(len(texts)))
        while going_on:
            for place in list(going_on):
                text = self._next(place, texts[place])
                if text is None:
                    going_on.remove(place)
                    yield self._judged(place, prompt, latest[place])
                else:
                    latest[place] = text
                    yield Reply(self.models[place], text)

    def _next(self, place: int, texts: Iterator[str]) -> str | None:
        """The text after one more token; None when the answer is complete."""
        device = self._base.model.device.type
        bf16 = self._dtype == torch.bfloat16
        with self._switched_to(place), torch.autocast(device, torch.bfloat16, enabled=bf16):
            return next(texts, None)

    @contextmanager
    def _switched_to(self, place: int) -> Iterator[None]:
        if self._policy is None:
            yield
        elif place == 0:
            with self._policy.disable_adapter():
                yield
        else:
            self._policy.set_adapter(_adapter_name(place))
            yield

    def _judged(self, place: int, prompt: str, text: str) -> Reply:
        scores: Sequence[float] = self.detector.score([prompt], [text])[0].tolist()
        return Reply(self.models[place], text, tuple(scores))


def _adapter_name(place: int) -> str:
    """Not the stage's own name, which may hold signs that a module's name may not."""
    return f"place{place}"
