"""A detector that is yet to be trained, or in training."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from grice_core.data.pairs import FloatArray
from grice_core.detector.encode import EncodedText, TextEncoder
from grice_core.detector.fit import Epoch, FitSettings, Place, Task, fit
from grice_core.detector.load import (
    build_heads,
    load_config,
    load_tokenizer,
    longest_input,
    one_line,
)
from grice_core.detector.model import MaximHeads
from grice_core.detector.record import HeadsArchitecture, Pooling
from grice_core.detector.score import Reader
from grice_core.detector.template import JudgedText, Template
from grice_core.errors import DetectorError
from grice_core.kernels.memory import keep_few_kernels
from grice_core.progress import Progress, silent

_WEIGHT_FILES = ("*.safetensors", "pytorch_model*.bin")


@dataclass(frozen=True, eq=False)
class Student:
    """A network, how it reads, and where it computes."""

    model: MaximHeads
    architecture: HeadsArchitecture
    encoder: TextEncoder
    place: Place
    start: str
    """What its weights were before training, in words."""

    def encode(self, texts: Sequence[JudgedText]) -> list[EncodedText]:
        return self.encoder.encode(texts)

    def learn(self, task: Task, settings: FitSettings, progress: Progress = silent) -> list[Epoch]:
        """Train; see `fit`."""
        return fit(self.model, task, settings, self.place, progress)

    @property
    def pad_token_id(self) -> int:
        return int(self.encoder.tokenizer.pad_token_id)

    def logits(self, encoded: Sequence[EncodedText]) -> FloatArray:
        """(N, 4) logits of the network as it is now, dropout off."""
        self.model.eval()
        device, dtype = self.place.device, self.place.dtype
        rough = dtype is torch.bfloat16
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=rough):
            return Reader(self.model, self.pad_token_id, device).logits(encoded)


def new_student(encoder: str, pooling: Pooling, place: Place, seed: int) -> Student:
    """Detector V2 on an encoder (folder or hub id); without weights there, they start random.

    Raises:
        DetectorError: there is no such encoder, it is no encoder, or the pooling reads nothing of it.
    """
    keep_few_kernels()
    config, tokenizer = load_config(encoder), load_tokenizer(encoder)
    architecture = HeadsArchitecture(pooling=pooling, hidden_widths=(config.hidden_size // 2,))
    torch.manual_seed(seed)
    model = build_heads(config, architecture)
    pretrained = _has_weights(encoder)
    if pretrained:
        _take_weights(model, encoder, config)
    if pooling == "cls" and not _first_token_sees_others(model.encoder):
        raise DetectorError(
            f"{encoder} reads from left to right, so that its first token's state says nothing of the "
            "text; give the heads the response's maximum too: pooling cls+response_max"
        )
    return Student(
        model=model.to_compute(place.device, torch.float32),
        architecture=architecture,
        encoder=TextEncoder(tokenizer, Template(), longest_input(model.encoder, tokenizer)),
        place=place,
        start=f"starting from {encoder}" if pretrained else "starting from random weights",
    )


@torch.no_grad()
def _first_token_sees_others(encoder: Any) -> bool:
    """Whether what follows the first token changes its state: not in GPT-2 and its like."""
    encoder.eval()
    texts = torch.tensor([[0, 1, 1], [0, 2, 2]])
    one, other = encoder(input_ids=texts).last_hidden_state[:, 0]
    return not torch.allclose(one, other, rtol=0, atol=1e-6)


def _has_weights(source: str) -> bool:
    folder = Path(source)
    return not folder.is_dir() or any(any(folder.glob(pattern)) for pattern in _WEIGHT_FILES)


def _take_weights(model: MaximHeads, source: str, config: Any) -> None:
    from transformers import AutoModel

    try:
        pretrained = AutoModel.from_pretrained(
            source, config=config, dtype=torch.float32, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise DetectorError(f"{source}: its weights can't be read: {one_line(error)}") from error
    if getattr(pretrained, "pooler", None) is not None:
        pretrained.pooler = None
    model.encoder.load_state_dict(pretrained.state_dict())
