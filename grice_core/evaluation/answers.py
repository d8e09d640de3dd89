"""Answers on disk as they are written and judged, so that a killed evaluation continues where it was."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from grice_core.journal import Entry, Journal

Scores = tuple[float, ...]
"""Four violation probabilities in the order of `MAXIMS`."""


def _nowhere(_: Iterable[Entry]) -> None:
    """Nothing is kept beyond this process."""


@dataclass
class Answers:
    """One model's answers so far, by their place among all that it is asked for."""

    responses: dict[int, str] = field(default_factory=dict)
    scores: dict[int, Scores] = field(default_factory=dict)
    second_scores: dict[int, Scores] = field(default_factory=dict)
    """By the second judge."""
    cut: set[int] = field(default_factory=set)
    """Responses that ended at the token limit."""
    tokens: dict[int, int] = field(default_factory=dict)
    """Tokens of each response, without the one that ended it, as far as they were counted."""
    write: Callable[[Iterable[Entry]], None] = _nowhere

    def keep_responses(
        self,
        responses: Mapping[int, str],
        cut: Collection[int] = (),
        tokens: Mapping[int, int] | None = None,
    ) -> None:
        """Add what the model has written; `cut` are those that ended at the token limit."""
        counts = tokens or {}
        self.responses.update(responses)
        self.cut.update(cut)
        self.tokens.update(counts)
        self.write(
            {"place": place, "response": text}
            | ({"cut": True} if place in cut else {})
            | ({"tokens": counts[place]} if place in counts else {})
            for place, text in responses.items()
        )

    def keep_scores(self, scores: Mapping[int, Scores]) -> None:
        """Add what the detector says about responses."""
        self.scores.update(scores)
        self.write({"place": place, "scores": one} for place, one in scores.items())

    def keep_second_scores(self, scores: Mapping[int, Scores]) -> None:
        """Add what the second judge says about responses."""
        self.second_scores.update(scores)
        self.write({"place": place, "second_scores": one} for place, one in scores.items())


class AnswerJournal(Journal):
    """One entry per response and one per judgement of it, of all models of an evaluation."""

    def __init__(self, path: Path, key: str):
        super().__init__(path, key)
        self._models: dict[str, Answers] = defaultdict(Answers)

    def of(self, model: str) -> Answers:
        """A model's answers, kept here from now on."""
        answers = self._models[model]
        answers.write = partial(self._write_of, model)
        return answers

    def take(self, entry: Entry) -> None:
        """What was written or judged before."""
        answers = self._models[entry["model"]]
        if "response" in entry:
            answers.responses[entry["place"]] = entry["response"]
            if entry.get("cut"):
                answers.cut.add(entry["place"])
            if "tokens" in entry:
                answers.tokens[entry["place"]] = entry["tokens"]
        elif "scores" in entry:
            answers.scores[entry["place"]] = tuple(entry["scores"])
        else:
            answers.second_scores[entry["place"]] = tuple(entry["second_scores"])

    def _write_of(self, model: str, entries: Iterable[Entry]) -> None:
        self.write({"model": model, **entry} for entry in entries)
