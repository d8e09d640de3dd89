"""A second judge for the demo: trained on other labels than the first one, half of them of what models write.

Two detectors that learnt from the same kind of label err alike, however disjoint their labels are: neither has ever
seen the broken text that a model falls into when it is pushed too far. So half of this one's labels are of answers that
the base model gave at high temperatures, judged by the rules, as persons would judge them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import torch
from transformers import AutoTokenizer

from grice_core.demo import detector
from grice_core.demo.build import (
    BuildConfig,
    draw_lessons,
    measure_detector,
    write_demo_detector,
)
from grice_core.demo.corpus import Example, draw_examples
from grice_core.demo.dialogue import Dialogue
from grice_core.demo.oracle import judge
from grice_core.demo.project import demo_models
from grice_core.demo.training import FitSettings
from grice_core.demo.violations import Answer
from grice_core.dpo.base import BaseModel, load_base
from grice_core.errors import OutputError
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling
from grice_core.progress import Progress, silent

FIT = replace(detector.FIT, num_steps=450)
TEMPERATURES = (1.0, 1.5, 2.0)
"""At which the base model writes: from fluent to broken."""


@dataclass(frozen=True)
class SecondJudgeConfig:
    """How it is made."""

    labels_seed: int = 1
    """Draws its labels; the first judge's were drawn by 0."""
    num_written: int = 240
    """Answers of the base model, over all temperatures."""
    fit: FitSettings = FIT
    first: BuildConfig = field(default_factory=BuildConfig)
    """How the first judge was made."""


def build_second_judge(
    out: Path, config: SecondJudgeConfig | None = None, progress: Progress = silent
) -> None:
    """Train it, and write its folder.

    Raises:
        OutputError: `out` exists.
    """
    config = config or SecondJudgeConfig()
    if out.exists():
        raise OutputError(f"{out} exists; name another folder")
    tokenizer = AutoTokenizer.from_pretrained(str(demo_models().detector))
    base = load_base(str(demo_models().base), torch.device("cpu"))
    lessons = _lessons(base, config, progress)
    model = detector.new_detector(base.model, config.labels_seed)
    encoder = detector.text_encoder(tokenizer)
    detector.fit_detector(model, encoder, lessons, config.fit, progress)
    origin = "trained on other labels of the demo, half of them of what its base model writes"
    write_demo_detector(out, model, tokenizer, origin)
    measure_detector(out, config.first, progress)


def _lessons(base: BaseModel, config: SecondJudgeConfig, progress: Progress) -> list[Example]:
    """None that the first judge learnt from; drawn and written ones in turn."""
    first = config.first
    known = set(map(_label, draw_lessons("detector", first.detector, first.seed)))
    drawn = draw_lessons("detector", config.fit, config.labels_seed)
    drawn = [each for each in drawn if _label(each) not in known]
    written = list(_written(base, config, progress))
    half = config.fit.num_examples // 2
    several = (written * -(-half // len(written)))[: config.fit.num_examples - half]
    mixed = [*drawn[:half], *several]
    Random(config.labels_seed).shuffle(mixed)
    return mixed


def _label(example: Example) -> tuple[str, str]:
    """What a label is about."""
    return example.dialogue.prompt, example.answer.text


def _written(base: BaseModel, config: SecondJudgeConfig, progress: Progress) -> Iterator[Example]:
    """What the base model answers, judged by the rules."""
    each = config.num_written // len(TEMPERATURES)
    for place, temperature in enumerate(TEMPERATURES):
        rng = Random(f"written {config.labels_seed} {temperature}")
        dialogues = [one.dialogue for one in draw_examples("base", each, rng)]
        sampling = Sampling(temperature, 0.98, 60, config.labels_seed + place)
        prompts = [dialogue.prompt for dialogue in dialogues]
        answers = generate(base.model, base.tokenizer, prompts, sampling, progress=progress)
        yield from map(_judged, dialogues, answers)


def _judged(dialogue: Dialogue, text: str) -> Example:
    answer = Answer("", (text,), "", "", judge(dialogue, text))
    return Example(dialogue, answer)
