"""A detector from disk: our own folders, and Hugging Face sequence classifiers as they are."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from grice_core.detector.encode import TextEncoder
from grice_core.detector.judge import Detector
from grice_core.detector.llm.detector import open_chat_detector
from grice_core.detector.model import DetectorModel, LabelClassifier, MaximHeads
from grice_core.detector.record import (
    RECORD_NAME,
    WEIGHTS_NAME,
    ChatArchitecture,
    ClassifierArchitecture,
    DetectorRecord,
    HeadsArchitecture,
    read_record,
)
from grice_core.detector.score import NetworkDetector
from grice_core.detector.seen import read_seen
from grice_core.detector.seen_nearly import SeenShingles
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError
from grice_core.files import file_sha256
from grice_core.kernels.deberta import speed_up
from grice_core.kernels.memory import keep_few_kernels
from grice_core.kernels.precision import Precision, resolve_precision
from grice_core.kernels.prepacking import prepack

_LONGEST = 512
"""Tokens that a foreign detector is given at most."""


def load_detector(
    source: Path | str, device: torch.device, precision: Precision = "auto"
) -> Detector:
    """Load a detector's folder, or a four-label Hugging Face classifier (folder or hub id).

    A language model is not asked anything yet; device and precision are its server's.

    Raises:
        DetectorError: there is no such detector, it is damaged, or it is something else.
    """
    keep_few_kernels()
    folder = Path(source)
    if (folder / RECORD_NAME).is_file():
        record = read_record(folder)
        if isinstance(record.architecture, ChatArchitecture):
            return open_chat_detector(record)
        tokenizer = load_tokenizer(str(folder))
        model = _load_model(folder, record)
    else:
        model = load_classifier(str(source))
        tokenizer = load_tokenizer(str(source))
        record = _bare_record(str(source), model, tokenizer)
    dtype = resolve_precision(precision, device)
    model.to_compute(device, dtype).eval().requires_grad_(False)
    speed_up(model.network, first_token_only=model.reads_first_token_only)
    prepack(model)
    encoder = TextEncoder(tokenizer, record.template, record.max_length)
    if len(encoder.encode([JudgedText("", "", "-")])[0]) >= record.max_length:
        raise DetectorError(
            f"{source}: its inputs of {record.max_length} tokens have no room for a response"
        )
    seen = read_seen(folder), SeenShingles.read(folder)
    return NetworkDetector(record, *seen, model, encoder, device, dtype)


def load_tokenizer(source: str) -> Any:
    """A fast tokenizer with a padding token, from a folder or the hub.

    Raises:
        DetectorError: there is none.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise DetectorError(
            f"{source}: no tokenizer can be read there: {one_line(error)}"
        ) from error
    if not tokenizer.is_fast:
        raise DetectorError(f"{source}: its tokenizer has no fast version (tokenizer.json)")
    if tokenizer.pad_token_id is None:
        raise DetectorError(f"{source}: its tokenizer has no padding token")
    return tokenizer


def load_config(source: str) -> Any:
    """A model's configuration, from a folder or the hub.

    Raises:
        DetectorError: there is none.
    """
    from transformers import AutoConfig

    if looks_like_path(source) and not Path(source).is_dir():
        raise DetectorError(f"{source}: there is no such folder")
    try:
        return AutoConfig.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise DetectorError(
            f"{source}: no model configuration can be read there: {one_line(error)}"
        ) from error


def load_classifier(source: str) -> LabelClassifier:
    """A four-label Hugging Face sequence classifier, from a folder or the hub.

    Raises:
        DetectorError: there is none, or its labels are not the four maxims.
    """
    from transformers import AutoModelForSequenceClassification

    config = load_config(source)
    _check_is_classifier(source, config)
    try:
        network, report = AutoModelForSequenceClassification.from_pretrained(
            source, config=config, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise DetectorError(f"{source}: its weights can't be read: {one_line(error)}") from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])[0]
        raise DetectorError(f"{source}: its weights lack {missing}; is it a trained classifier?")
    return LabelClassifier(network)


def _check_is_classifier(source: str, config: Any) -> None:
    """Refuse an encoder or a language model, which would get random labels' weights."""
    architectures = config.architectures or []
    if not any(name.endswith("ForSequenceClassification") for name in architectures):
        raise DetectorError(
            f"{source} holds no {RECORD_NAME} and no sequence classifier "
            f"({', '.join(architectures) or 'no architecture named'}); import or train a "
            "detector first: grice detector --help"
        )


def _bare_record(source: str, model: LabelClassifier, tokenizer: Any) -> DetectorRecord:
    """The record of a classifier that came without one: uncalibrated, default template."""
    weights = Path(source) / WEIGHTS_NAME
    return DetectorRecord(
        architecture=ClassifierArchitecture(),
        max_length=longest_input(model.classifier, tokenizer),
        origin=f"Hugging Face classifier {source}",
        weights_sha256=file_sha256(weights) if weights.is_file() else f"hub:{source}",
        remarks=("It was never calibrated: its probabilities are taken as they are.",),
    )


def longest_input(network: Any, tokenizer: Any) -> int:
    """Tokens that a network can read, but no more than the field's detectors do."""
    positions = getattr(network.config, "max_position_embeddings", None) or _LONGEST
    return int(min(_LONGEST, positions, tokenizer.model_max_length))


def _load_model(folder: Path, record: DetectorRecord) -> DetectorModel:
    weights = folder / WEIGHTS_NAME
    if not weights.is_file():
        raise DetectorError(f"{weights} is missing; import or train the detector again")
    if file_sha256(weights) != record.weights_sha256:
        raise DetectorError(
            f"{weights} is not the file that {RECORD_NAME} was written with (its SHA-256 "
            "differs): it was damaged or changed; import or train the detector again"
        )
    if isinstance(record.architecture, HeadsArchitecture):
        return _load_heads(folder, record.architecture)
    return load_classifier(str(folder))


def _load_heads(folder: Path, architecture: HeadsArchitecture) -> MaximHeads:
    model = empty_heads(load_config(str(folder)), architecture)
    try:
        model.load_state_dict(load_file(folder / WEIGHTS_NAME))
    except (RuntimeError, SafetensorError) as error:
        raise DetectorError(
            f"{folder / WEIGHTS_NAME} does not fit {RECORD_NAME} and config.json: {one_line(error)}"
        ) from error
    return model


def build_heads(config: Any, architecture: HeadsArchitecture) -> MaximHeads:
    """Detector V2 around an encoder of this configuration, its weights yet random."""
    from transformers import AutoModel

    encoder = AutoModel.from_config(config, trust_remote_code=False)
    return MaximHeads(encoder, config.hidden_size, architecture)


def empty_heads(config: Any, architecture: HeadsArchitecture) -> MaximHeads:
    """Like `build_heads`, but the weights hold anything: for anyone who loads them all at once."""
    from transformers.initialization import no_init_weights

    with no_init_weights():  # random numbers for 184 million weights would take seconds
        return build_heads(config, architecture)


def looks_like_path(source: str) -> bool:
    """Whether a name is meant as a folder rather than a hub id such as `microsoft/deberta-v3-base`."""
    return source.startswith((".", "/", "~")) or source.count("/") > 1 or Path(source).exists()


def one_line(error: Exception) -> str:
    """An error's first line that says something, without its full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]).rstrip(".") if lines else type(error).__name__
