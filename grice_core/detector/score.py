"""A detector at work: texts in, violation probabilities out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.detector.encode import EncodedText, TextEncoder
from grice_core.detector.model import DetectorModel
from grice_core.detector.record import DetectorRecord
from grice_core.detector.template import JudgedText
from grice_core.maxims import MAXIMS, Maxim
from grice_core.progress import Progress, silent

_BATCH_TOKENS = {"cpu": 2048, "cuda": 65536}
"""Padded tokens of a batch: enough to keep the device's multipliers busy, little memory."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a detector says about N texts."""

    logits: FloatArray
    """(N, 4) in the order of `MAXIMS`, before temperatures."""
    response_cut: BoolArray
    """(N,) where the response alone was longer than the detector can read."""


@dataclass(frozen=True, eq=False)
class Detector:
    """A network that judges whether a response violates each maxim, ready on a device."""

    record: DetectorRecord
    model: DetectorModel
    encoder: TextEncoder
    device: torch.device
    dtype: torch.dtype

    @property
    def thresholds(self) -> FloatArray:
        """(4,) a maxim counts as violated where its probability is above this."""
        return self.record.thresholds.as_array()

    @property
    def batch_tokens(self) -> int:
        """Padded tokens of a batch that suit the device."""
        return suitable_batch_tokens(self.device)

    @property
    def weak_maxims(self) -> tuple[Maxim, ...]:
        """Maxims that it was found too weak to judge; none where it was never evaluated."""
        return self.record.metrics.weak_maxims if self.record.metrics else ()

    def score(
        self,
        prompts: Sequence[str],
        responses: Sequence[str],
        *,
        batch_tokens: int | None = None,
        progress: Progress = silent,
    ) -> FloatArray:
        """(N, 4) violation probabilities, in the order of `MAXIMS`.

        They don't depend on the batches: within 1e-5 in fp32.
        """
        texts = [JudgedText.from_pair(*pair) for pair in zip(prompts, responses, strict=True)]
        return self.probabilities(self.judge(texts, batch_tokens=batch_tokens, progress=progress))

    def probabilities(self, judgement: Judgement) -> FloatArray:
        """(N, 4) violation probabilities: sigmoid(logit / temperature) per maxim."""
        scaled: FloatArray = expit(judgement.logits / self.record.temperatures.as_array())
        return scaled

    def judge(
        self,
        texts: Sequence[JudgedText],
        *,
        batch_tokens: int | None = None,
        progress: Progress = silent,
    ) -> Judgement:
        """Read each distinct text once, in batches of like length."""
        distinct = list(dict.fromkeys(texts))
        encoded = self.encoder.encode(distinct)
        pad = self.encoder.tokenizer.pad_token_id
        reader = Reader(self.model, pad, self.device, batch_tokens)
        logits = reader.logits(encoded, progress)
        position = {text: i for i, text in enumerate(distinct)}
        back = [position[text] for text in texts]
        cut = np.array([one.response_cut for one in encoded], dtype=np.bool_)
        return Judgement(logits=logits[back], response_cut=cut[back])


@dataclass(frozen=True, eq=False)
class Reader:
    """A network on a device, fed in batches of like length."""

    model: nn.Module
    pad_token_id: int
    device: torch.device
    batch_tokens: int | None = None
    """Padded tokens of a batch; None = what suits the device."""

    @torch.inference_mode()
    def logits(self, encoded: Sequence[EncodedText], progress: Progress = silent) -> FloatArray:
        """(N, 4) logits of N inputs."""
        logits = np.empty((len(encoded), len(MAXIMS)))
        budget = self.batch_tokens or suitable_batch_tokens(self.device)
        done = 0
        for batch in batches_by_length([len(one) for one in encoded], budget):
            tensors = collate([encoded[i] for i in batch], self.pad_token_id, self.device)
            logits[batch] = self.model(*tensors).double().cpu().numpy()
            done += len(batch)
            progress("scoring", done, len(encoded))
        return logits


def suitable_batch_tokens(device: torch.device) -> int:
    """Padded tokens of a batch that keep the device busy."""
    return _BATCH_TOKENS.get(device.type, _BATCH_TOKENS["cpu"])


def batches_by_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices in batches of like length, longest first, each within a budget of padded tokens.

    Lengths 3, 9, 4 and a budget of 10 give [1] and [2, 0]: 4 + 4 with padding. An item longer
    than the budget gets a batch of its own.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def collate(
    batch: Sequence[EncodedText], pad_token_id: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Pad on the right: (B, L) token ids, attention mask, response mask."""
    shape = (len(batch), max(len(one) for one in batch))
    ids = np.full(shape, pad_token_id, dtype=np.int64)
    attention = np.zeros(shape, dtype=np.int64)
    response = np.zeros(shape, dtype=np.bool_)
    for row, one in enumerate(batch):
        ids[row, : len(one)] = one.token_ids
        attention[row, : len(one)] = 1
        response[row, : len(one)] = one.response_mask
    arrays = (ids, attention, response)
    return tuple(torch.from_numpy(array).to(device) for array in arrays)  # type: ignore[return-value]
