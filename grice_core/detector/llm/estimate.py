"""What a language model's verdicts would take, before any is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from grice_core.data.pairs import PairTable
from grice_core.detector.llm.cache import question_key
from grice_core.detector.llm.detector import ChatDetector
from grice_core.detector.template import JudgedText
from grice_core.durations import rough_duration
from grice_core.maxims import MAXIMS

_CHARACTERS_PER_TOKEN = 4
_USUAL_TOKENS_OUT = 16
"""Of an answer: one short JSON object."""


@dataclass(frozen=True)
class JudgeEstimate:
    """What judging some texts takes."""

    num_requests: int
    """Questions to be asked."""
    num_known: int
    """Questions that were answered before."""
    tokens_in: int
    """Of all questions, about."""
    tokens_out: int
    """Of all answers, about."""
    seconds: float | None
    """None: the model was never asked here."""
    cost: float | None
    """In the currency of the prices; None: no price is given."""

    def scaled(self, factor: float) -> "JudgeEstimate":
        """Of so many times as many texts."""
        return JudgeEstimate(
            num_requests=round(self.num_requests * factor),
            num_known=round(self.num_known * factor),
            tokens_in=round(self.tokens_in * factor),
            tokens_out=round(self.tokens_out * factor),
            seconds=None if self.seconds is None else self.seconds * factor,
            cost=None if self.cost is None else self.cost * factor,
        )

    def sentence(self) -> str:
        """In words, without a full stop."""
        if not self.num_requests:
            return f"all {self.num_known:,} questions were answered before: nothing is asked"
        known = f" ({self.num_known:,} more were answered before)" if self.num_known else ""
        time = (
            "time not known yet"
            if self.seconds is None
            else f"about {rough_duration(self.seconds)}"
        )
        cost = (
            "cost not known: no price is given" if self.cost is None else f"about {self.cost:,.2f}"
        )
        return (
            f"{self.num_requests:,} questions{known}, about {self.tokens_in:,} tokens in and "
            f"{self.tokens_out:,} out; {time}; {cost}"
        )


def texts_of_pairs(table: PairTable) -> list[JudgedText]:
    """Both responses of the pairs that have no scores."""
    pairs = table.take(~table.scored)
    return [
        JudgedText.from_pair(prompt, response)
        for responses in (pairs.chosen, pairs.rejected)
        for prompt, response in zip(pairs.prompts, responses, strict=True)
    ]


def texts_like_answers(table: PairTable, limit: int = 200) -> list[JudgedText]:
    """Chosen responses of the first pairs: answers to their prompts will be about as long."""
    pairs = zip(table.prompts[:limit], table.chosen[:limit], strict=True)
    return [JudgedText.from_pair(prompt, response) for prompt, response in pairs]


def estimate(detector: ChatDetector, texts: Sequence[JudgedText]) -> JudgeEstimate:
    """What judging these texts takes; nothing is sent."""
    lengths = _lengths(detector, texts)
    known = detector.cache.get(lengths)
    missing = [length for key, length in lengths.items() if key not in known]
    return _taking(detector, missing, len(known))


def estimate_answers(
    detector: ChatDetector, like: Sequence[JudgedText], num_answers: int
) -> JudgeEstimate:
    """What judging so many answers takes that are yet to be written; nothing is sent.

    Args:
        like: Some texts that are about as long.
    """
    lengths = _lengths(detector, like)
    found = _taking(detector, list(lengths.values()), 0)
    return found.scaled(num_answers * len(MAXIMS) / max(len(lengths), 1))


def judging_sentence(
    detector: ChatDetector, like: Sequence[JudgedText], num_of_rounds: int, num_evaluated: int
) -> str:
    """What a language model is asked about the answers of a pipeline, in words, without a full stop.

    Args:
        num_of_rounds: Answers of its rounds, at most; 0: it has none.
        num_evaluated: Answers of its evaluation.
    """
    of_rounds = f"at most {num_of_rounds:,} answers of rounds and " if num_of_rounds else ""
    estimated = estimate_answers(detector, like, num_of_rounds + num_evaluated)
    return (
        f"the judge {detector.architecture.model} is asked about {of_rounds}{num_evaluated:,} answers of the "
        f"evaluation, {len(MAXIMS)} questions each: {estimated.sentence()}"
    )


def _lengths(detector: ChatDetector, texts: Sequence[JudgedText]) -> dict[str, int]:
    """Characters of each question, by its key."""
    lengths: dict[str, int] = {}
    for text in dict.fromkeys(texts):
        for maxim in MAXIMS:
            messages = detector.messages(text, maxim.column)
            key = question_key(detector.architecture, messages)
            lengths[key] = sum(len(one["content"]) for one in messages)
    return lengths


def _taking(detector: ChatDetector, lengths: Sequence[int], num_known: int) -> JudgeEstimate:
    """What questions of these lengths take."""
    usual = detector.cache.usual(detector.architecture.model)
    tokens_in = sum(lengths) // _CHARACTERS_PER_TOKEN
    each_out = usual.tokens_out if usual and usual.tokens_out else _USUAL_TOKENS_OUT
    tokens_out = round(len(lengths) * each_out)
    endpoint = detector.client.endpoint
    return JudgeEstimate(
        num_requests=len(lengths),
        num_known=num_known,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        seconds=usual.seconds * len(lengths) / endpoint.concurrency if usual else None,
        cost=_cost(endpoint.price_in, endpoint.price_out, tokens_in, tokens_out),
    )


def _cost(
    price_in: float | None, price_out: float | None, tokens_in: int, tokens_out: int
) -> float | None:
    if price_in is None and price_out is None:
        return None
    return ((price_in or 0.0) * tokens_in + (price_out or 0.0) * tokens_out) / 1e6
