"""Detectors that are networks, at work on a device of this machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from grice_core.data.pairs import FloatArray
from grice_core.detector.encode import EncodedText, TextEncoder
from grice_core.detector.judge import Detector, Judgement
from grice_core.detector.model import DetectorModel
from grice_core.detector.template import JudgedText
from grice_core.maxims import MAXIMS
from grice_core.progress import Progress, silent

_BATCH_TOKENS = {"cpu": 2048, "cuda": 65536}
"""Padded tokens of a batch: enough to keep the device's multipliers busy, little memory."""


_TOKENS_OF_A_PAIR = 256
"""Both texts of a usual pair, about."""
_BATCHES_OF_A_WINDOW = 8


@dataclass(frozen=True, eq=False)
class NetworkDetector(Detector):
    """A network on a device of this machine."""

    model: DetectorModel
    encoder: TextEncoder
    device: torch.device
    dtype: torch.dtype

    @property
    def numerics(self) -> str:
        """Its number format."""
        return str(self.dtype)

    @property
    def window_pairs(self) -> int:
        """On a CPU 64, ten to twenty seconds of DeBERTa-v3-base on two cores.

        With fewer batches, texts of like length don't meet.
        """
        batch_tokens = suitable_batch_tokens(self.device)
        return max(1, _BATCHES_OF_A_WINDOW * batch_tokens // _TOKENS_OF_A_PAIR)

    def judge(
        self,
        texts: Sequence[JudgedText],
        *,
        progress: Progress = silent,
        batch_tokens: int | None = None,
    ) -> Judgement:
        """Read each distinct text once, in batches of like length.

        Probabilities don't depend on the batches: within 1e-5 in fp32.
        """
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
