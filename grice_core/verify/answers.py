"""Answers written again: one batch of one model's, drawn anew at each look, with the noise of then."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch

from grice_core.evaluation.answers import Answers
from grice_core.evaluation.decoding import Decoding, DecodingChoice
from grice_core.evaluation.generation import generate, written_together
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.pipeline.judging import BASELINE
from grice_core.verify.claims import Check, Claims

_SCORES = {torch.float32: 1e-3, torch.bfloat16: 0.03}
"""Of a score: what other texts in its batch may change."""
_SHARE = 100
"""One of so many batches is written again."""


def check_answers(claims: Claims) -> Check:
    """Some answers are what their model writes, and are judged as the detector judges them."""
    looked: list[str] = []
    problems: list[str] = []
    models = claims.evaluation.models
    asked = claims.inputs.selection.prompts
    k = claims.config.samples_per_prompt
    expected = [prompt for prompt in asked for _ in range(k)]
    for model in models:
        if model.prompts != expected:
            return Check("answers", "which prompts", (f"{model.name} answers other prompts",))
    for name, places in _drawn(claims, models):
        model = next(each for each in models if each.name == name)
        looked.append(f"{len(places)} of {name}")
        problems += (f"{name}: {problem}" for problem in _answers(claims, model, places))
    return Check("answers", f"written and judged again: {', '.join(looked)}", tuple(problems))


def _sampling(claims: Claims) -> Sampling:
    config = claims.config
    return Sampling.of(config.recipe.evaluation, config.seed, config.samples_per_prompt)


def _computing(claims: Claims) -> AbstractContextManager[Any]:
    bf16 = claims.dtype == torch.bfloat16
    return torch.autocast(claims.device.type, dtype=torch.bfloat16, enabled=bf16)


def _decoding(claims: Claims) -> Decoding:
    trial = claims.record["inputs"]["base"].get("trial", {})
    decoding: Decoding = trial.get("decoding", "batched")
    return decoding


def _drawn(claims: Claims, models: tuple[EvaluatedModel, ...]) -> Iterator[tuple[str, list[int]]]:
    """Some batches of some models, each model's together so that it is loaded once."""
    base = claims.models.after(None)
    form = claims.format_choice.of(base.tokenizer)
    asked, way = claims.inputs.selection.asked, _decoding(claims)
    with _computing(claims):
        batches = written_together(
            base.model, asked, _sampling(claims), form, way, claims.batch_size
        )
    every = [(model.name, batch) for model in models for batch in batches]
    drawn = claims.draw.sample(every, max(1, len(every) // _SHARE))
    order = [model.name for model in models]
    yield from sorted(drawn, key=lambda each: order.index(each[0]))


def _answers(claims: Claims, model: EvaluatedModel, places: list[int]) -> Iterator[str]:
    again = _written_again(claims, model, places)
    for place in places:
        if again[place] != model.responses[place]:
            yield f"answer {place + 1} to “{model.prompts[place][:40]}” is not what it writes"
    prompts, responses = (
        [texts[place] for place in places] for texts in (model.prompts, model.responses)
    )
    scores = claims.detector.score(prompts, responses)
    wrong = np.abs(scores - model.scores[places]).max(axis=1) > _SCORES[claims.dtype]
    for place in np.array(places)[wrong]:
        yield f"answer {place + 1} has other scores than the detector gives it"


def _written_again(claims: Claims, model: EvaluatedModel, places: list[int]) -> list[str]:
    base = claims.models.after(None if model.name == BASELINE else model.name)
    form = claims.format_choice.of(base.tokenizer)
    answers = Answers()
    rest = set(range(len(model.responses))) - set(places)
    answers.keep_responses({place: model.responses[place] for place in rest})
    with _computing(claims):
        return generate(
            base.model,
            base.tokenizer,
            claims.inputs.selection.asked,
            _sampling(claims),
            form=form,
            batch_size=claims.batch_size,
            decoding=DecodingChoice(_decoding(claims)),
            answers=answers,
        )
