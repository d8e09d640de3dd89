"""What rates don't say about answers: how long they are, how they end, how often they repeat themselves.

Two models may violate a maxim equally often, and one be twice as brief, or say the same to everyone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.evaluation.equal_length import EqualLengthChange, equal_length_change
from grice_core.evaluation.intervals import Interval, paired_interval, wilson_interval
from grice_core.evaluation.jackknife import jackknife_interval, mean_interval
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.evaluation.words import NGrams, distinct, is_repetitive, ngrams, words_of
from grice_core.maxims import Maxim

AT_EQUAL_LENGTH = Maxim.QUANTITY
"""The maxim that is about how much is said."""


LEAST_DRAWN = 50
"""Among fewer n-grams than this nearly all are distinct, whatever a model says."""


class TextMeasure(StrEnum):
    """What is measured of a model's answers, beside violations."""

    WORDS = "words"
    """Mean number per answer, as white space separates them."""
    TOKENS = "tokens"
    """Mean number per answer, without the one that ends it."""
    ENDED = "ended"
    """Share that the model ended itself; the others were cut at the token limit."""
    EMPTY = "empty"
    """Share without a word."""
    REPETITIVE = "repetitive"
    """Share that say a phrase three times in a row."""
    DISTINCT_1 = "distinct-1"
    """Distinct words per word, at equal length."""
    DISTINCT_2 = "distinct-2"
    """The same of pairs of words."""

    @property
    def is_share(self) -> bool:
        """Whether it is a share of answers."""
        return self in (self.ENDED, self.EMPTY, self.REPETITIVE)

    @property
    def n(self) -> int | None:
        """Of distinct-n."""
        return {self.DISTINCT_1: 1, self.DISTINCT_2: 2}.get(self)


@dataclass(frozen=True)
class TextFigure:
    """A model's figure, or how it differs between two models."""

    value: float
    interval: Interval | None
    """None with one prompt."""


@dataclass(frozen=True)
class TextChange:
    """How the answers differ from one model to another, on the same prompts."""

    before: str
    after: str
    changes: Mapping[TextMeasure, TextFigure]
    """Of what both models have."""
    quantity: TextFigure
    """The plain change of the maxim that is about length."""
    quantity_at_equal_length: EqualLengthChange


@dataclass(frozen=True)
class TextComparison:
    """The answers of several models on the same prompts."""

    models: tuple[str, ...]
    num_prompts: int
    figures: Mapping[TextMeasure, tuple[TextFigure | None, ...]]
    """One per model; None where it isn't known, or there is no word."""
    changes: tuple[TextChange, ...]
    """Of each stage from the baseline and from the stage before it."""
    num_drawn: Mapping[TextMeasure, int]
    """At how many n-grams distinct-n is compared, the same for all models; missing with too few words."""

    @property
    def unknown(self) -> list[TextMeasure]:
        """What was not noted when the answers were written."""
        return [
            measure
            for measure in (TextMeasure.TOKENS, TextMeasure.ENDED)
            if None in self.figures[measure]
        ]

    def document(self) -> dict[str, Any]:
        """As plain data; shares and distinct-n are fractions."""
        return asdict(self)


def compare_texts(models: Sequence[EvaluatedModel]) -> TextComparison:
    """Measure the answers of models, the first of which is the baseline, to the prompts that all answered.

    All have equally many answers per prompt; see `paired_changes`, which checks it.
    """
    first, *others = models
    prompts = [
        prompt
        for prompt in first.rows_of_prompt
        if all(prompt in other.rows_of_prompt for other in others)
    ]
    texts = [_Texts(model, prompts) for model in models]
    sizes = {
        measure: size
        for measure in TextMeasure
        if measure.n
        and (size := min(of.ngrams[measure].num_comparable for of in texts)) >= LEAST_DRAWN
    }
    for of in texts:
        of.draw(sizes)
    steps = [(0, place) for place in range(1, len(texts))]
    steps += list(pairwise(range(1, len(texts))))
    return TextComparison(
        models=tuple(model.name for model in models),
        num_prompts=len(prompts),
        figures={measure: tuple(of.figure(measure) for of in texts) for measure in TextMeasure},
        changes=tuple(_change(texts[before], texts[after]) for before, after in steps),
        num_drawn=sizes,
    )


class _Texts:
    """One model's answers to M prompts, k each."""

    def __init__(self, model: EvaluatedModel, prompts: Sequence[str]):
        self.name = model.name
        rows = np.array([model.rows_of_prompt[prompt] for prompt in prompts])
        self.answers = [[model.responses[row] for row in of.tolist()] for of in rows]
        self.values: dict[TextMeasure, FloatArray] = {
            measure: np.array([[measured(text) for text in of] for of in self.answers], dtype=float)
            for measure, measured in _OF_TEXT.items()
        }
        if model.tokens is not None:
            self.values[TextMeasure.TOKENS] = model.tokens[rows].astype(float)
        if model.tokens is not None or model.cut:  # older evaluations did not note what was cut
            cut: BoolArray = np.isin(rows, list(model.cut))
            self.values[TextMeasure.ENDED] = (~cut).astype(float)
        self.violated = model.violated[rows][..., AT_EQUAL_LENGTH.column].astype(float)
        self.distinct: dict[TextMeasure, tuple[float, FloatArray]] = {}

    @cached_property
    def ngrams(self) -> dict[TextMeasure, NGrams]:
        """By the measure of how distinct they are."""
        return {measure: ngrams(self.answers, measure.n) for measure in TextMeasure if measure.n}

    def draw(self, sizes: Mapping[TextMeasure, int]) -> None:
        """Compute distinct-n at these sizes."""
        self.distinct = {
            measure: distinct(self.ngrams[measure], size) for measure, size in sizes.items()
        }

    def figure(self, measure: TextMeasure) -> TextFigure | None:
        if measure in self.distinct:
            value, left_out = self.distinct[measure]
            return TextFigure(value, _not_negative(jackknife_interval(value, left_out), most=1.0))
        if measure not in self.values:
            return None
        values = self.values[measure]
        if measure.is_share:
            return TextFigure(float(values.mean()), wilson_interval(values))
        return TextFigure(float(values.mean()), _not_negative(mean_interval(values.mean(axis=1))))


_OF_TEXT: Mapping[TextMeasure, Callable[[str], float]] = {
    TextMeasure.WORDS: lambda text: len(words_of(text)),
    TextMeasure.EMPTY: lambda text: not text.strip(),
    TextMeasure.REPETITIVE: is_repetitive,
}
"""What the text alone tells."""


def _change(before: _Texts, after: _Texts) -> TextChange:
    found = {measure: _changed(measure, before, after) for measure in TextMeasure}
    words = before.values[TextMeasure.WORDS], after.values[TextMeasure.WORDS]
    violated = before.violated, after.violated
    return TextChange(
        before=before.name,
        after=after.name,
        changes={measure: one for measure, one in found.items() if one is not None},
        quantity=_of_shares(*violated),
        quantity_at_equal_length=equal_length_change(words, violated),
    )


def _changed(measure: TextMeasure, before: _Texts, after: _Texts) -> TextFigure | None:
    if measure in before.distinct:
        (first, first_left_out), (second, second_left_out) = (
            of.distinct[measure] for of in (before, after)
        )
        value = second - first
        return TextFigure(value, jackknife_interval(value, second_left_out - first_left_out))
    if measure not in before.values or measure not in after.values:
        return None
    values = before.values[measure], after.values[measure]
    if measure.is_share:
        return _of_shares(*values)
    differences = values[1].mean(axis=1) - values[0].mean(axis=1)
    return TextFigure(float(differences.mean()), mean_interval(differences))


def _not_negative(interval: Interval | None, most: float = np.inf) -> Interval | None:
    """Without what lies beyond the numbers that there are."""
    if interval is None:
        return None
    return Interval(max(interval.low, 0.0), min(interval.high, most))


def _of_shares(before: FloatArray, after: FloatArray) -> TextFigure:
    differences = after.mean(axis=1) - before.mean(axis=1)
    return TextFigure(float(differences.mean()), paired_interval(differences, before.shape[1]))


def texts_between(
    first: tuple[str, EvaluatedModel], second: tuple[str, EvaluatedModel]
) -> TextComparison:
    """Two pipelines' models, each with its pipeline's name."""
    return compare_texts(
        [replace(model, name=f"{pipeline}: {model.name}") for pipeline, model in (first, second)]
    )
