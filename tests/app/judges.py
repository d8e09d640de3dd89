"""What a person has who brings a detector: a checkpoint, its encoder, its temperatures, labels."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tests.detector import lessons, tiny


@dataclass(frozen=True)
class Judge:
    """Files of a Detector V2 as the field leaves them."""

    checkpoint: Path
    encoder: Path
    temperatures: Path
    labels: Path


def write_judge(folder: Path) -> Judge:
    """A tiny one; two of its temperatures are where a failed search leaves them."""
    judge = Judge(
        checkpoint=folder / "best_model_v2.pt",
        encoder=tiny.write_encoder(folder / "encoder"),
        temperatures=folder / "temperatures.json",
        labels=lessons.write_labels(folder / "labels.json", num_dialogues=40),
    )
    content = {"model_state_dict": tiny.heads().state_dict(), "val_f1": np.float64(0.9)}
    torch.save(content, judge.checkpoint)
    values = {"quantity": 0.1, "quality": 1.0, "relation": 0.1, "manner": 2.0}
    judge.temperatures.write_text(json.dumps(values))
    return judge
