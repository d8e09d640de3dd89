"""What persons' judgements say about a pipeline's models, beside what the detector says."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from grice_core.data.pairs import FloatArray
from grice_core.errors import DataError
from grice_core.evaluation.gold import GoldLabels
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.persons import LEAST_SHARED, differing
from grice_core.evaluation.prediction_powered import LEAST_GOLD, Estimate, prediction_powered
from grice_core.evaluation.verdict import State, decide
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig

_NOTE = (
    "Prediction-powered: the detector's judgements of all answers, corrected by the gold labels; "
    "[95 % interval], sampling error of both included."
)
_NOTE_AT_EVERY_LOOK = (
    "Prediction-powered: the detector's judgements of all answers, corrected by the gold labels. "
    "The intervals hold together, at every look, with 95 %: stop whenever you like."
)

FEW_GOLD = 60
"""Labelled answers below which intervals are not all within 93.5 and 96.5 %; docs/statistics.md has the figures."""


@dataclass(frozen=True)
class TrueFigure:
    """A rate or a change, estimated from the detector's judgements and gold labels together."""

    value: float
    interval: Interval
    by_detector: float
    """The same by the detector alone."""
    weight: float
    """How far the detector is trusted: 0 not at all, 1 as if it were a person."""
    num_gold: int
    """Labelled answers that it rests on."""
    between_persons: float | None = None
    """Standard deviation that persons' disagreement adds, in the interval; None where it is not known."""


@dataclass(frozen=True)
class TrueRates:
    """A pipeline by its gold labels."""

    num_judgements: int
    """Judgements of the models' answers."""
    rates: Mapping[str, Mapping[str, TrueFigure]]
    """By model, then by measure; a model with too few labels is missing."""
    changes: Mapping[str, TrueFigure]
    """The last model's from the baseline, by measure; empty with too few labels of both."""
    state: State | None
    """The verdict that rests on them; None with too few labels."""
    num_persons: int = 0
    """Whose judgements these are, as far as known."""
    at_every_look: bool = False
    """Whether the intervals hold together after each label, so that one may stop when they decide."""

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @property
    def note(self) -> str:
        """How to read the figures."""
        note = _NOTE_AT_EVERY_LOOK if self.at_every_look else _NOTE
        return " ".join(filter(None, (note, self._of_few(), self._of_persons())))

    def _of_few(self) -> str:
        """Where simulation found intervals that are not the 95 % they say."""
        figures = [
            *self.changes.values(),
            *(one for of in self.rates.values() for one in of.values()),
        ]
        if self.at_every_look or min((one.num_gold for one in figures), default=0) >= FEW_GOLD:
            return ""
        return (
            f"With fewer than {FEW_GOLD} labelled answers 95 % is a rough figure: in simulations rates were held "
            "in 93 to 97 % of cases, and small changes in up to 100 %, so that less can be told than there is."
        )

    def _of_persons(self) -> str:
        if self.num_persons < 2:
            return ""
        spreads = [
            figure.between_persons
            for of in (*self.rates.values(), self.changes)
            for figure in of.values()
            if figure.between_persons is not None
        ]
        if not spreads:
            return (
                f"How {self.num_persons} persons differ is not included: fewer than {LEAST_SHARED} "
                "prompts were judged by two of them."
            )
        return (
            f"How {self.num_persons} persons differ is included: a standard deviation of up to "
            f"{100 * max(spreads):.1f} points."
        )

    def sentence(self, by_detector: State) -> str:
        """`Verdict: met by the detector; with 60 judgements: undecided.`"""
        beside = f"Verdict: {by_detector} by the detector; with {self.num_judgements:,} judgements"
        if self.state is None:
            return f"{beside}: too few, at least {LEAST_GOLD} prompts need one for every model."
        return f"{beside}: {self.state}."


def true_rates(
    models: Sequence[EvaluatedModel],
    gold: GoldLabels,
    config: EvaluationConfig,
    at_every_look: bool = False,
) -> TrueRates:
    """Estimate every model's rates, and how the last one changed from the baseline.

    Args:
        models: The baseline, then each stage; all answer the same prompts in the same order.
        gold: Labels of answers that were drawn at random, or with the chances that they name.
        config: The criteria of the verdict.
        at_every_look: Labels come one after another until they decide: intervals that hold at every look.

    Raises:
        DataError: No label is of an answer of these models.
    """
    num_judgements = gold.num_matched(models)
    if not num_judgements:
        raise DataError(
            f"none of the {len(gold.judgements):,} gold labels is of an answer of these models: prompt and "
            "response must be the very texts that were evaluated"
        )
    rates = {
        model.name: {measure: one.as_rate(at_every_look) for measure, one in found.items()}
        for model in models
        if (found := _rates(model, gold))
    }
    changes = {
        measure: one.as_change(at_every_look)
        for measure, one in _changes(models[0], models[-1], gold).items()
    }
    state = None
    if changes and models[-1].name in rates:
        intervals = {maxim: changes[maxim].interval for maxim in MAXIMS}
        state = decide(intervals, rates[models[-1].name][COOPERATIVE].interval, config)
    return TrueRates(num_judgements, rates, changes, state, len(gold.persons), at_every_look)


@dataclass(frozen=True)
class Estimated:
    """An estimate with what it came from."""

    estimate: Estimate
    by_detector: float
    between_persons: float | None

    def as_rate(self, at_every_look: bool) -> TrueFigure:
        figure = self._figure(self.estimate.rate_interval(at_every_look))
        return replace(figure, value=min(max(figure.value, 0.0), 1.0))

    def as_change(self, at_every_look: bool) -> TrueFigure:
        return self._figure(self.estimate.change_interval(at_every_look))

    def _figure(self, interval: Interval) -> TrueFigure:
        own = self.estimate
        return TrueFigure(
            own.value, interval, self.by_detector, own.weight, own.num_gold, self.between_persons
        )


def _rates(model: EvaluatedModel, gold: GoldLabels) -> dict[str, Estimated]:
    """A model's rates by measure; nothing with too few labels."""
    prompts = list(model.rows_of_prompt)
    by_person = [gold.of_person(person, model, prompts) for person in gold.persons]
    return estimated(model.outcomes_of(prompts), *gold.of(model, prompts), by_person)


def _changes(
    before: EvaluatedModel, after: EvaluatedModel, gold: GoldLabels
) -> dict[str, Estimated]:
    """From answers to the same prompt, with the same noise, that both have a label."""
    prompts = list(before.rows_of_prompt)
    judged = after.outcomes_of(prompts) - before.outcomes_of(prompts)
    (truth_before, chances), (truth_after, _) = gold.of(before, prompts), gold.of(after, prompts)
    by_person = [
        gold.of_person(person, after, prompts) - gold.of_person(person, before, prompts)
        for person in gold.persons
    ]
    return estimated(judged, truth_after - truth_before, chances, by_person)


def estimated(
    judged: FloatArray, truth: FloatArray, chances: FloatArray, by_person: Sequence[FloatArray]
) -> dict[str, Estimated]:
    """By measure, from (M, k, 5) judgements and labels; nothing with too few labels.

    Args:
        judged: By the detector, or differences between two models.
        truth: Gold outcomes, NaN without a label.
        chances: (M, k) of being labelled.
        by_person: Each person's labels, as `truth`.
    """
    found = {}
    for place, measure in enumerate(MEASURES):
        estimate = prediction_powered(judged[..., place], truth[..., place], chances)
        if estimate is None:
            continue
        persons = differing([labels[..., place] for labels in by_person])
        if persons is not None:
            estimate = estimate.with_further(persons.of_mean)
        spread = None if persons is None else persons.of_mean**0.5
        found[measure] = Estimated(estimate, float(judged[..., place].mean()), spread)
    return found
