"""A network's part of a detector's folder: safetensors, tokenizer, configuration."""

from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from grice_core.detector.folder import update_record
from grice_core.detector.model import DetectorModel, MaximHeads
from grice_core.detector.record import WEIGHTS_NAME, DetectorRecord
from grice_core.files import file_sha256


def write_detector(
    folder: Path, model: DetectorModel, tokenizer: Any, record: DetectorRecord
) -> DetectorRecord:
    """Write a detector's folder; the record returned holds the hash of the weights as written.

    A Hugging Face classifier's folder is an ordinary one with a `detector.json` beside it.
    """
    tokenizer.save_pretrained(folder)
    if isinstance(model, MaximHeads):
        encoder: Any = model.encoder
        encoder.config.save_pretrained(folder)
        weights = {key: tensor.contiguous() for key, tensor in model.state_dict().items()}
        save_file(weights, folder / WEIGHTS_NAME, metadata={"format": "pt"})
    else:
        model.classifier.save_pretrained(folder, max_shard_size="1TB")
    record = record.model_copy(update={"weights_sha256": file_sha256(folder / WEIGHTS_NAME)})
    update_record(folder, record)
    return record
