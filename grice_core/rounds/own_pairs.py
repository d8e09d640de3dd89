"""A model's own answers as a data set like any other, which says where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from grice_core.data.conversation_column import TOOLS, conversation_array
from grice_core.data.json_column import json_array
from grice_core.data.messages import Conversation
from grice_core.data.pairs import TEXT_FIELDS, FloatArray, PairTable
from grice_core.data.texts import TEXT
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.samples import SampleSettings
from grice_core.rounds.pairing import ChosenPairs, JudgedAnswers, choose_pairs
from grice_core.rounds.provenance import Origin


@dataclass(frozen=True, eq=False)
class OwnPairs:
    """The pairs of one sampling, and what training prompts yielded."""

    table: PairTable
    num_prompts: int
    """Training prompts that were asked."""
    num_pairs: int
    """Of these prompts."""
    dropped: dict[str, int]
    """Prompts without a pair, by reason."""

    def sentence(self) -> str:
        """The yield, for people."""
        share = self.num_pairs / max(self.num_prompts, 1)
        without = [f"{count:,} {reason}" for reason, count in self.dropped.items() if count]
        return (
            f"{self.num_pairs:,} pairs from {self.num_prompts:,} prompts ({100 * share:.0f} %)"
            + (f"; none: {', '.join(without)}" if without else "")
        )


@dataclass(frozen=True, eq=False)
class Sampled:
    """k answers to each of some prompts, judged."""

    selection: PromptSelection
    sampling: Sampling
    answers: EvaluatedModel
    """The k answers of a prompt together, prompts in the selection's order."""

    def pairs(self, weights: FloatArray, settings: SampleSettings) -> ChosenPairs:
        """Which of the answers are paired; (4,) weights of the maxims that decide."""
        shape = -1, self.sampling.samples_per_prompt
        rows = np.arange(len(self.answers.responses))
        empty = np.array([not response.strip() for response in self.answers.responses])
        judged = JudgedAnswers(
            scores=self.answers.scores.reshape(*shape, len(MAXIMS)),
            finished=~np.isin(rows, sorted(self.answers.cut)).reshape(shape),
            empty=empty.reshape(shape),
        )
        return choose_pairs(judged, weights, settings)

    def describe(self) -> str:
        """How it was sampled, in a line."""
        asked = self.sampling
        return (
            f"best of {asked.samples_per_prompt} against worst, temperature {asked.temperature:g}, "
            f"top-p {asked.top_p:g}, at most {asked.max_new_tokens} tokens, seed {asked.seed}"
        )


def own_pairs(
    training: Sampled,
    weights: FloatArray,
    settings: SampleSettings,
    origin: Origin,
    heldout: Sequence[Sampled] = (),
) -> OwnPairs:
    """Pair some answers, those to held-out prompts after the others; each row says where it comes from.

    Args:
        weights: (4,) of the maxims that decide.
    """
    chosen = training.pairs(weights, settings)
    rows = _rows(training, chosen)
    for sampled in heldout:
        rows += _rows(sampled, sampled.pairs(weights, settings))
    num_prompts = len(training.selection.prompts)
    return OwnPairs(_table(rows, origin), num_prompts, len(chosen.prompts), chosen.dropped)


@dataclass(frozen=True, eq=False)
class _Row:
    """One pair."""

    sampled: Sampled
    prompt: int
    """Its place in the selection."""
    chosen: int
    """Which answer among all of them."""
    rejected: int

    def texts(self) -> tuple[str, str, str]:
        responses = self.sampled.answers.responses
        prompt = self.sampled.selection.prompts[self.prompt]
        return prompt, responses[self.chosen], responses[self.rejected]

    def conversation(self) -> Conversation | None:
        selection = self.sampled.selection
        messages = selection.messages[self.prompt]
        if messages is None:
            return None
        chosen, rejected = (({"role": "assistant", "content": text},) for text in self.texts()[1:])
        return Conversation(messages, chosen, rejected, selection.tools[self.prompt])


def _rows(sampled: Sampled, pairs: ChosenPairs) -> list[_Row]:
    k = sampled.sampling.samples_per_prompt
    columns = (pairs.prompts.tolist(), pairs.chosen.tolist(), pairs.rejected.tolist())
    return [
        _Row(sampled, prompt, prompt * k + chosen, prompt * k + rejected)
        for prompt, chosen, rejected in zip(*columns, strict=True)
    ]


def _table(rows: Sequence[_Row], origin: Origin) -> PairTable:
    columns = list(zip(*(row.texts() for row in rows), strict=True)) or [()] * len(TEXT_FIELDS)
    texts = {
        name: pa.array(column, TEXT) for name, column in zip(TEXT_FIELDS, columns, strict=True)
    }
    conversations = [row.conversation() for row in rows]
    extras = origin.columns([row.sampled.describe() for row in rows])
    if any(found is not None and found.tools for found in conversations):
        tools = [found.tools or None if found else None for found in conversations]
        extras[TOOLS] = json_array(tools)
    return PairTable(
        texts=pa.table(texts),
        chosen_scores=_scores(rows, [row.chosen for row in rows]),
        rejected_scores=_scores(rows, [row.rejected for row in rows]),
        rows=np.arange(1, len(rows) + 1),
        extras=pa.table(extras),
        messages=pa.chunked_array([conversation_array(conversations)])
        if any(conversations)
        else None,
    )


def _scores(rows: Sequence[_Row], places: Sequence[int]) -> FloatArray:
    """(n, 4)"""
    found = [row.sampled.answers.scores[place] for row, place in zip(rows, places, strict=True)]
    return np.array(found).reshape(-1, len(MAXIMS))
