"""The demo's detector: a copy of what the base model was when it could read, taught to judge."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from grice_core.demo.base_model import NUM_POSITIONS
from grice_core.demo.corpus import Example
from grice_core.demo.dialogue import INSTRUCTION
from grice_core.demo.training import FitSettings, batches_of_like_length, fit
from grice_core.detector.encode import TextEncoder
from grice_core.detector.labels import LabelledTexts
from grice_core.detector.load import build_heads
from grice_core.detector.model import MaximHeads
from grice_core.detector.record import HeadsArchitecture
from grice_core.detector.score import collate
from grice_core.detector.template import JudgedText, Template
from grice_core.maxims import MAXIMS
from grice_core.progress import Progress, silent

ARCHITECTURE = HeadsArchitecture(pooling="cls+response_max", hidden_widths=(64,), dropout=0.0)
TEMPLATE = Template(
    plain=f"Context: {{context}}\n\n{INSTRUCTION} {{response}}",
    with_evidence=f"Context: {{context}}\nEvidence: {{evidence}}\n\n{INSTRUCTION} {{response}}",
)
"""The text that the base model reads, so that its encoder understands it from the start."""
FIT = FitSettings(num_steps=900, learning_rate=1e-3)


def new_detector(reader: Any, seed: int) -> MaximHeads:
    """A detector (2.2 million parameters) whose encoder starts as that of a base model that can read.

    To judge an answer one has to find in the evidence what the question asks for, which the reader
    has just learned. The copy is trained further; the reader keeps its own weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_heads(reader.transformer.config, ARCHITECTURE)
    model.encoder.load_state_dict(reader.transformer.state_dict())
    return model


def text_encoder(tokenizer: Any) -> TextEncoder:
    """How the detector reads a text."""
    return TextEncoder(tokenizer, TEMPLATE, NUM_POSITIONS)


def labelled(examples: Sequence[Example]) -> LabelledTexts:
    """Examples as the detector reads them, with the truth; each is a dialogue of its own."""
    texts = [JudgedText.from_pair(one.dialogue.prompt, one.answer.text) for one in examples]
    violated = [[maxim in one.answer.violated for maxim in MAXIMS] for one in examples]
    return LabelledTexts(
        texts=texts,
        labels=np.array(violated, dtype=np.float64),
        groups=[str(index) for index in range(len(examples))],
        rows=range(1, len(examples) + 1),
        sha256=hashlib.sha256(repr((texts, violated)).encode()).hexdigest(),
    )


def fit_detector(
    model: MaximHeads,
    encoder: TextEncoder,
    examples: Sequence[Example],
    settings: FitSettings = FIT,
    progress: Progress = silent,
) -> list[float]:
    """Teach it which answers violate which maxims; returns the loss of each step."""
    lessons = labelled(examples)
    encoded = encoder.encode(lessons.texts)
    truth = torch.from_numpy(lessons.labels).float()
    device = torch.device("cpu")

    def batches() -> Iterator[tuple[tuple[Tensor, Tensor, Tensor], Tensor]]:
        for batch in batches_of_like_length([len(one) for one in encoded], settings):
            inputs = collate([encoded[i] for i in batch], encoder.tokenizer.pad_token_id, device)
            yield inputs, truth[batch]

    def loss_of(batch: tuple[tuple[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
        inputs, targets = batch
        return functional.binary_cross_entropy_with_logits(model(*inputs).float(), targets)

    return fit(model, batches(), loss_of, settings, task="detector", progress=progress)
