"""The demo's models, made from nothing."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch

from grice_core.data.load import load_pairs
from grice_core.demo import base_model, detector
from grice_core.demo.corpus import Example, draw_examples, new_things
from grice_core.demo.project import (
    BASE_FOLDER,
    DETECTOR_FOLDER,
    NUM_PAIRS,
    check_is_free,
    write_demo_data,
)
from grice_core.demo.scores import SEED, write_scores
from grice_core.demo.tokenizer import fast_tokenizer, train_tokenizer
from grice_core.demo.training import FitSettings
from grice_core.detector.evaluate import evaluate_detector
from grice_core.detector.folder import update_record
from grice_core.detector.load import load_detector
from grice_core.detector.pairs import score_pairs
from grice_core.detector.record import DetectorRecord
from grice_core.detector.weights import write_detector
from grice_core.progress import Progress, silent

NUM_TOKENIZER_TEXTS = 4000
ORIGIN = "trained on the demo's synthetic dialogues, whose violations are known"
STORED_AS = torch.bfloat16
"""Number format of the weights on disk; half the size, and three digits are plenty."""


@dataclass(frozen=True)
class BuildConfig:
    """How the demo's models are made."""

    seed: int = 0
    reading: FitSettings = base_model.READING
    habits: FitSettings = base_model.HABITS
    detector: FitSettings = detector.FIT
    num_test_texts: int = 1000
    """Answers about new things that the detector is measured on."""
    num_pairs: int = NUM_PAIRS
    """Preference pairs that are scored."""


def build_models(
    out: Path, config: BuildConfig, progress: Progress = silent, *, overwrite: bool = False
) -> None:
    """Train tokenizer, base model and detector, and write the folders `out/base`, `out/detector`.

    The same seed on the same machine gives the same files.

    Raises:
        OutputError: one of the folders exists and may not be overwritten.
    """
    check_is_free(out, overwrite=overwrite)
    lessons = {
        "reading": draw_lessons("reading", config.reading, config.seed),
        "base": draw_lessons("base", config.habits, config.seed),
        "detector": draw_lessons("detector", config.detector, config.seed),
    }
    tokenizer = _learn_tokenizer(lessons["reading"], lessons["detector"])
    model = base_model.new_base_model(tokenizer, config.seed)
    teach = partial(base_model.fit_base_model, model, tokenizer, progress=progress)

    teach(lessons["reading"], config.reading, task="reading")
    judge = detector.new_detector(model, config.seed)
    teach(lessons["base"], config.habits, task="bad habits")
    _write_base(out / BASE_FOLDER, model, tokenizer)

    encoder = detector.text_encoder(tokenizer)
    detector.fit_detector(judge, encoder, lessons["detector"], config.detector, progress)
    write_demo_detector(out / DETECTOR_FOLDER, judge, tokenizer)
    measure_detector(out / DETECTOR_FOLDER, config, progress)
    score_demo_pairs(out, progress, config.num_pairs)


def score_demo_pairs(models: Path, progress: Progress, num_pairs: int = NUM_PAIRS) -> None:
    """Score the demo's pairs with its detector, in fp32, for those who want to look at them at once."""
    judge = load_detector(models / DETECTOR_FOLDER, torch.device("cpu"), "fp32")
    with tempfile.TemporaryDirectory() as folder:
        data = write_demo_data(Path(folder), SEED, num_pairs)
        table = load_pairs(data.pairs).table
        scored = score_pairs(judge, table, Path(folder) / "journal", progress=progress)
    write_scores(models, scored.table)


def _learn_tokenizer(*lessons: Sequence[Example]) -> Any:
    examples = [example for lesson in lessons for example in lesson[:NUM_TOKENIZER_TEXTS]]
    texts = (f"{one.dialogue.prompt} {one.answer.text}" for one in examples)
    return fast_tokenizer(train_tokenizer(texts))


def draw_lessons(mixture: str, settings: FitSettings, seed: int) -> list[Example]:
    """As many examples of a mixture as its steps take; the same seed gives the same ones."""
    rng = Random(f"{mixture} {seed}")
    return draw_examples(mixture, settings.num_examples, rng)


def _write_base(folder: Path, model: Any, tokenizer: Any) -> None:
    _make_empty(folder)
    model.to(STORED_AS).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_demo_detector(folder: Path, model: Any, tokenizer: Any, origin: str = ORIGIN) -> None:
    """Write a detector of the demo into an empty folder."""
    _make_empty(folder)
    record = DetectorRecord(
        architecture=detector.ARCHITECTURE,
        template=detector.TEMPLATE,
        max_length=base_model.NUM_POSITIONS,
        origin=origin,
        weights_sha256="",
        remarks=("The detector knows the demo's small language only.",),
    )
    write_detector(folder, model.to(STORED_AS), tokenizer, record)


def measure_detector(folder: Path, config: BuildConfig, progress: Progress) -> None:
    """Write into the detector's record how well it judges answers about things it never saw."""
    rng = Random(f"test {config.seed}")
    examples = draw_examples("detector", config.num_test_texts, rng, new_things())
    judge = load_detector(folder, torch.device("cpu"), "fp32")
    evaluation = evaluate_detector(judge, detector.labelled(examples), progress)
    update_record(folder, judge.record.model_copy(update={"metrics": evaluation.metrics}))


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
