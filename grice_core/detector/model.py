"""The two kinds of network behind a detector; both map tokens to four logits."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from grice_core.detector.record import HeadsArchitecture, Pooling
from grice_core.errors import DetectorError
from grice_core.maxims import MAXIMS


class MaximHeads(nn.Module):
    """Detector V2: an encoder's pooled states into one head per maxim.

    State-dict keys are those of checkpoints in the field: `encoder.*`, `classifiers.<i>.<j>.*`.
    """

    def __init__(self, encoder: Any, hidden_size: int, architecture: HeadsArchitecture):
        super().__init__()
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # its output is not used, so it would never be trained
        self.encoder = encoder
        self.pooling: Pooling = architecture.pooling
        width = hidden_size * (2 if self.pooling == "cls+response_max" else 1)
        self.classifiers = nn.ModuleList(_head(width, architecture) for _ in MAXIMS)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, response_mask: Tensor) -> Tensor:
        """(B, 4) logits in fp32 of (B, L) tokens; `response_mask` is true on the response's tokens."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state.float()
        pooled = states[:, 0]
        if self.pooling == "cls+response_max":
            pooled = torch.cat((pooled, _max_over(states, response_mask)), dim=1)
        return torch.cat([head(pooled) for head in self.classifiers], dim=1)

    @property
    def network(self) -> Any:
        """The Transformers model inside."""
        return self.encoder

    @property
    def reads_first_token_only(self) -> bool:
        """Whether the other tokens' last states don't matter."""
        return self.pooling == "cls"

    def to_compute(self, device: torch.device, dtype: torch.dtype) -> "MaximHeads":
        """Move to a device; the encoder takes the number format, the small heads stay in fp32."""
        self.encoder.to(device, dtype)
        self.classifiers.to(device, torch.float32)
        return self


def _head(width: int, architecture: HeadsArchitecture) -> nn.Sequential:
    layers: list[nn.Module] = []
    for next_width in architecture.hidden_widths:
        layers += [nn.Dropout(architecture.dropout), nn.Linear(width, next_width), nn.GELU()]
        width = next_width
    return nn.Sequential(*layers, nn.Dropout(architecture.dropout), nn.Linear(width, 1))


def _max_over(states: Tensor, mask: Tensor) -> Tensor:
    """(B, H) maximum of (B, L, H) states where the (B, L) mask is true; 0 where it never is."""
    lowest = torch.finfo(states.dtype).min
    maximum = states.masked_fill(~mask.unsqueeze(2), lowest).amax(dim=1)
    return torch.where(mask.any(dim=1, keepdim=True), maximum, torch.zeros_like(maximum))


class LabelClassifier(nn.Module):
    """A Hugging Face sequence classifier whose labels are the maxims, in any order."""

    def __init__(self, classifier: Any):
        super().__init__()
        self.classifier = classifier
        self.columns = label_columns(classifier.config)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, response_mask: Tensor) -> Tensor:  # noqa: ARG002 - both kinds are called alike
        """(B, 4) logits in fp32 of (B, L) tokens, in the order of `MAXIMS`."""
        logits: Tensor = self.classifier(input_ids, attention_mask=attention_mask).logits
        return logits[:, self.columns].float()

    @property
    def network(self) -> Any:
        """The Transformers model inside, without its classifier."""
        return self.classifier.base_model

    @property
    def reads_first_token_only(self) -> bool:
        """Whether the other tokens' last states don't matter: so for DeBERTa's classifiers."""
        return bool(self.classifier.config.model_type == "deberta-v2")

    def to_compute(self, device: torch.device, dtype: torch.dtype) -> "LabelClassifier":
        """Move to a device and a number format."""
        self.classifier.to(device, dtype)
        return self


DetectorModel = MaximHeads | LabelClassifier


def label_columns(config: Any) -> list[int]:
    """Which output of a sequence classifier belongs to each maxim, in the order of `MAXIMS`.

    Raises:
        DetectorError: its labels are not the four maxims, or they exclude each other.
    """
    labels: Mapping[int, str] = config.id2label
    columns = {str(label).strip().lower(): int(index) for index, label in labels.items()}
    if set(columns) != set(MAXIMS) or len(labels) != len(MAXIMS):
        found = ", ".join(str(label) for label in labels.values())
        raise DetectorError(
            f"the classifier's labels are {found}; a detector needs exactly the four labels "
            f"{', '.join(MAXIMS)} (id2label in its config.json)"
        )
    if config.problem_type == "single_label_classification":
        raise DetectorError(
            "the classifier's labels exclude each other (problem_type is "
            "'single_label_classification'); a response can violate several maxims at once, so "
            "train it with problem_type 'multi_label_classification'"
        )
    return [columns[maxim] for maxim in MAXIMS]
