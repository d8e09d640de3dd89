"""`detector.json`: everything about a detector but its weights and its tokenizer."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from grice_core.data.per_maxim import PerMaxim, field_per_maxim
from grice_core.data.rules import FrozenModel
from grice_core.detector.endpoint import Endpoint
from grice_core.detector.metrics import Metrics
from grice_core.detector.rubric import Rubric
from grice_core.detector.template import Template
from grice_core.errors import DetectorError
from grice_core.maxims import Maxim

RECORD_NAME = "detector.json"
WEIGHTS_NAME = "model.safetensors"

Pooling = Literal["cls", "cls+response_max"]
"""What the heads see: the first token's state; or that and the maximum over the response's tokens."""


@field_per_maxim(Field(default=1.0, gt=0))
class Temperatures(PerMaxim):
    """A maxim's logit is divided by this before the sigmoid (arXiv 1706.04599)."""


@field_per_maxim(Field(default=0.5, gt=0, lt=1))
class Thresholds(PerMaxim):
    """A maxim counts as violated where its probability is above this."""


class HeadsArchitecture(FrozenModel):
    """Detector V2: an encoder, and one small perceptron per maxim on its pooled states."""

    kind: Literal["heads"] = "heads"
    pooling: Pooling = "cls"
    hidden_widths: tuple[Annotated[int, Field(ge=1)], ...]
    """Output widths of a head's Linears, but for the last one's, which is 1."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Before each Linear of the heads, in training."""


class ClassifierArchitecture(FrozenModel):
    """A Hugging Face sequence classifier whose four labels are the maxims."""

    kind: Literal["sequence-classifier"] = "sequence-classifier"


class ChatArchitecture(FrozenModel):
    """A language model behind an address, asked one question per maxim."""

    kind: Literal["chat"] = "chat"
    model: str = Field(min_length=1)
    """As the server calls it."""
    rubric: Rubric
    max_tokens: int = Field(default=64, ge=8)
    """Of an answer; one that reasons first needs more."""


Architecture = Annotated[
    HeadsArchitecture | ClassifierArchitecture | ChatArchitecture, Field(discriminator="kind")
]


class TrainingData(FrozenModel):
    """The labelled or scored texts behind a detector, and how they were split."""

    sha256: str
    """Of the file's bytes."""
    seed: int
    holdout_share: float
    """Share of the dialogues for validation, and again for the test."""
    num_parts: int = 1
    """Into so many parts that share no dialogue the file was split before, a detector for each."""
    part: int = 1
    """Which of them this detector was trained on, from 1."""


class Agreement(FrozenModel):
    """How near a student's scores are to its teacher's, on prompts that it was not trained on."""

    spearman: float
    """Rank correlation; 1 = the same order."""
    same_verdict: float
    """Share of the texts that both call violated or both don't, at 0.5."""
    mean_abs_difference: float
    """Of the probabilities."""


class DetectorRecord(FrozenModel):
    """What a detector is, how its input is written and how its output is to be read."""

    format_version: Literal[1] = 1
    architecture: Architecture
    template: Template = Template()
    max_length: int = Field(default=512, ge=8)
    """Tokens of a whole input, special tokens included."""
    temperatures: Temperatures = Temperatures()
    thresholds: Thresholds = Thresholds()
    endpoint: Endpoint | None = None
    """Where it is asked, if it is a language model; which place that is decides no score."""
    origin: str
    """Where the weights come from, in words."""
    weights_sha256: str
    training: TrainingData | None = None
    """What it was trained on, where that was done here."""
    metrics: Metrics | None = None
    """How well it judged labelled texts that it was not trained on."""
    metrics_note: str | None = None
    """What was left out of these figures, or can't be known of them."""
    agreement: dict[Maxim, Agreement] | None = None
    """How near it is to its teacher, if it was distilled from one."""
    remarks: tuple[str, ...] = ()
    """What a user of the scores should know."""

    @model_validator(mode="after")
    def _language_models_have_an_address(self) -> Self:
        if isinstance(self.architecture, ChatArchitecture) != (self.endpoint is not None):
            raise ValueError("a language model, and nothing else, needs an endpoint")
        return self

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that scores depend on, as 64 hex digits."""
        decisive = {"architecture", "template", "max_length", "temperatures", "weights_sha256"}
        return hashlib.sha256(self.model_dump_json(include=decisive).encode()).hexdigest()


def read_record(folder: Path) -> DetectorRecord:
    """Read a detector folder's `detector.json`.

    Raises:
        DetectorError: it can't be read or does not hold what it should.
    """
    path = folder / RECORD_NAME
    try:
        return DetectorRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DetectorError(f"{path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DetectorError(
            f"{path}: {where}: {first['msg']}; import or train the detector again"
        ) from error


def write_record(folder: Path, record: DetectorRecord) -> None:
    """Write `detector.json` into a folder."""
    text = record.model_dump_json(indent=2) + "\n"
    (folder / RECORD_NAME).write_text(text, encoding="utf-8")
