"""Foreign detectors made into folders of ours."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from grice_core.detector.checkpoint import infer_heads, read_state_dict, with_our_positions
from grice_core.detector.folder import Destination, check_detector_folder, new_detector_folder
from grice_core.detector.load import (
    empty_heads,
    load_classifier,
    load_config,
    load_tokenizer,
    longest_input,
)
from grice_core.detector.model import MaximHeads
from grice_core.detector.record import (
    ClassifierArchitecture,
    DetectorRecord,
    HeadsArchitecture,
    Temperatures,
)
from grice_core.detector.weights import write_detector
from grice_core.errors import DetectorError
from grice_core.maxims import MAXIMS
from grice_core.nesting import parse_json

_FAILED_SEARCH = 0.1
"""The lower bound of the field's search for temperatures: a result there is no optimum."""


def import_checkpoint(
    checkpoint: Path, encoder: str, temperatures: Path, out: Destination
) -> DetectorRecord:
    """Make a Detector V2 checkpoint (`.pt`) a detector's folder; nothing in it is run.

    `encoder` is the folder or hub id whose configuration and tokenizer the checkpoint goes with.

    Raises:
        DetectorError: the checkpoint, its encoder or its temperatures can't be used.
        OutputError: there is something else at the destination.
    """
    check_detector_folder(out.folder, overwrite=out.overwrite)
    values = read_temperatures(temperatures)
    tensors = read_state_dict(checkpoint)
    architecture = infer_heads(tensors, checkpoint)
    model = _fill(tensors, architecture, encoder, checkpoint)
    tokenizer = load_tokenizer(encoder)
    record = DetectorRecord(
        architecture=architecture,
        max_length=longest_input(model.encoder, tokenizer),
        temperatures=values,
        origin=f"imported from {checkpoint.name}, encoder {encoder}",
        weights_sha256="",
        remarks=_temperature_remarks(values),
    )
    with new_detector_folder(out.folder, overwrite=out.overwrite) as folder:
        return write_detector(folder, model, tokenizer, record)


def import_classifier(source: str, temperatures: Path | None, out: Destination) -> DetectorRecord:
    """Make a four-label Hugging Face classifier (folder or hub id) a detector's folder.

    Raises:
        DetectorError: the classifier or its temperatures can't be used.
        OutputError: there is something else at the destination.
    """
    check_detector_folder(out.folder, overwrite=out.overwrite)
    values = read_temperatures(temperatures) if temperatures else Temperatures()
    model, tokenizer = load_classifier(source), load_tokenizer(source)
    uncalibrated = "It was never calibrated: its probabilities are taken as they are."
    record = DetectorRecord(
        architecture=ClassifierArchitecture(),
        max_length=longest_input(model.classifier, tokenizer),
        temperatures=values,
        origin=f"Hugging Face classifier {source}",
        weights_sha256="",
        remarks=_temperature_remarks(values) if temperatures else (uncalibrated,),
    )
    with new_detector_folder(out.folder, overwrite=out.overwrite) as folder:
        return write_detector(folder, model, tokenizer, record)


def read_temperatures(path: Path) -> Temperatures:
    """One positive temperature per maxim, from a JSON object.

    Raises:
        DetectorError: a maxim has none, or one that is not above 0.
    """
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DetectorError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise DetectorError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DetectorError(f"{path} must hold an object with a temperature per maxim")
    missing = [maxim for maxim in MAXIMS if maxim not in content]
    if missing:
        raise DetectorError(f"{path}: no temperature for {', '.join(missing)}")
    try:
        return Temperatures.model_validate({maxim: content[maxim] for maxim in MAXIMS})
    except ValidationError as error:
        first = error.errors()[0]
        raise DetectorError(
            f"{path}: the temperature of {first['loc'][0]} is {first['input']!r}; "
            "it must be a number above 0"
        ) from error


def _temperature_remarks(temperatures: Temperatures) -> tuple[str, ...]:
    stuck = [maxim for maxim in MAXIMS if temperatures.as_array()[maxim.column] == _FAILED_SEARCH]
    if not stuck:
        return ()
    return (
        f"The temperature of {' and '.join(stuck)} is exactly 0.1, the bound of a search that found "
        "no optimum: these probabilities are pushed to 0 and 1. "
        "Calibrate it again: grice detector calibrate DIR LABELS.",
    )


def _fill(
    tensors: Mapping[str, Tensor],
    architecture: HeadsArchitecture,
    encoder: str,
    checkpoint: Path,
) -> MaximHeads:
    """The model with the checkpoint's weights, after a check that they fit the encoder."""
    model = empty_heads(load_config(encoder), architecture)
    weights, expected = with_our_positions(tensors), model.state_dict()
    for key, tensor in expected.items():
        if key not in weights:
            raise DetectorError(
                f"{checkpoint}: {key} is missing; give --encoder the encoder that the checkpoint "
                f"was trained with, not {encoder}"
            )
        if weights[key].shape != tensor.shape:
            raise DetectorError(
                f"{checkpoint}: {key} has shape {tuple(weights[key].shape)}, with the encoder "
                f"{encoder} it would have {tuple(tensor.shape)}; give --encoder the encoder that "
                "the checkpoint was trained with"
            )
    unknown = [key for key in weights if key not in expected and not _is_buffer(key)]
    if unknown:
        raise DetectorError(
            f"{checkpoint}: {unknown[0]} has no place in the encoder {encoder}; give --encoder the "
            "encoder that the checkpoint was trained with"
        )
    model.load_state_dict({key: weights[key] for key in expected})
    return model


def _is_buffer(key: str) -> bool:
    """Whether older versions of Transformers saved this, though it holds nothing learned."""
    return key.endswith((".position_ids", ".token_type_ids"))
