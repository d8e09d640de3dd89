"""A language model made a detector's folder; nothing is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grice_core.detector.endpoint import Endpoint
from grice_core.detector.folder import Destination, new_detector_folder, update_record
from grice_core.detector.record import ChatArchitecture, DetectorRecord
from grice_core.detector.rubric import Rubric
from grice_core.errors import DetectorError

RUBRIC_REMARK = (
    "It was never calibrated: its probabilities are taken as they are. Evaluate it on labelled texts "
    "before you rely on it."
)


@dataclass(frozen=True)
class ChatSettings:
    """A language model that shall judge."""

    address: str
    model: str
    rubric: Rubric
    max_tokens: int = 64
    more: Mapping[str, Any] | None = None
    """Further fields of `Endpoint`."""


def chat_record(settings: ChatSettings) -> DetectorRecord:
    """Its record.

    Raises:
        DetectorError: the address is none, or a setting is out of its range.
    """
    try:
        endpoint = Endpoint(address=settings.address, **(settings.more or {}))
        architecture = ChatArchitecture(
            model=settings.model, rubric=settings.rubric, max_tokens=settings.max_tokens
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        # Not the value: an address may hold a key.
        raise DetectorError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None
    return DetectorRecord(
        architecture=architecture,
        endpoint=endpoint,
        origin=f"the language model {settings.model}, asked by a rubric",
        weights_sha256=f"chat:{settings.model}",
        remarks=(endpoint.what_leaves, RUBRIC_REMARK),
    )


def write_chat_detector(settings: ChatSettings, out: Destination) -> DetectorRecord:
    """Write its folder.

    Raises:
        DetectorError: see `chat_record`.
        OutputError: there is something else at the destination.
    """
    record = chat_record(settings)
    with new_detector_folder(out.folder, overwrite=out.overwrite) as folder:
        update_record(folder, record)
    return record


def folder_name(model: str) -> str:
    """A name for its folder: `org/model:tag` → `org-model-tag`."""
    kept = "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in model)
    return Path(kept.strip(".-") or "judge").name
