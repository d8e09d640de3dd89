"""Answers and judgements of earlier evaluations, taken over where the same would come out again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import torch

from grice_core.chat.format import PromptFormat
from grice_core.detector.judge import Detector
from grice_core.dpo.encode import Ids
from grice_core.evaluation.answers import Answers, Scores
from grice_core.evaluation.batching import TOKENS_READ
from grice_core.evaluation.sampling import Sampling
from grice_core.files import file_sha256
from grice_core.journal import Entry
from grice_core.kept import Kept, key_of


@dataclass(frozen=True)
class Asked:
    """What a model is asked, and how; with its weights, all that its answers depend on."""

    prompts: Sequence[str]
    """Distinct."""
    ids: Sequence[Ids]
    """Each prompt's, as the model reads it."""
    sampling: Sampling
    form: PromptFormat
    device: torch.device
    dtype: torch.dtype
    batch_size: int
    num_processes: int = 1
    """That share them out."""

    @property
    def depends_on_batch(self) -> bool:
        """Whether the rest of its batch changes an answer; in fp32 it doesn't."""
        return self.dtype != torch.float32

    def described(self) -> tuple[str, ...]:
        """All of it but the prompts, unless the answers depend on all of them."""
        vocabulary: dict[str, int] = self.form.tokenizer.get_vocab()
        return (
            repr(sorted(vocabulary.items())),
            json.dumps(self.form.described()),
            repr(sorted(self.form.ends)),
            self.device.type,
            str(self.dtype),
            repr(self.sampling),
            *self._batches(),
        )

    def _batches(self) -> list[str]:
        if not self.depends_on_batch:
            return []
        shares = [] if self.num_processes == 1 else [f"{self.num_processes} processes"]
        read = f"{TOKENS_READ} tokens"
        return [repr(self.ids), *self.prompts, str(self.batch_size), read, *shares]

    def names(self) -> list[str]:
        """One for each prompt: texts decide on the noise, tokens on what is read."""
        return [
            hashlib.sha256(f"{prompt}\0{ids!r}".encode(errors="surrogatepass")).hexdigest()
            for prompt, ids in zip(self.prompts, self.ids, strict=True)
        ]


@dataclass(frozen=True)
class KeptAnswers:
    """Answers of one model, by what it was asked."""

    kept: Kept
    key: str
    names: Sequence[str]
    """Of each prompt."""
    num_samples: int

    @classmethod
    def of(cls, kept: Kept, weights: Sequence[str], asked: Asked) -> "KeptAnswers":
        """Of the model with these digests."""
        key = key_of("answers", [*weights, *asked.described()])
        return cls(kept, key, asked.names(), asked.sampling.samples_per_prompt)

    def take_over(self, answers: Answers) -> int:
        """Add what is kept and not there yet; returns how many answers that are."""
        by_name = {entry["asked"]: entry["answers"] for entry in self.kept.find(self.key)}
        taken: dict[int, Entry] = {}
        for number, name in enumerate(self.names):
            for sample, answer in enumerate(by_name.get(name, ())):
                place = number * self.num_samples + sample
                if place not in answers.responses:
                    taken[place] = answer
        answers.keep_responses(
            {place: answer["response"] for place, answer in taken.items()},
            [place for place, answer in taken.items() if answer["cut"]],
            {place: answer["tokens"] for place, answer in taken.items()},
        )
        return len(taken)

    def keep(self, answers: Answers) -> None:
        """Keep all answers, beside those to other prompts."""
        entries = {entry["asked"]: entry for entry in self.kept.find(self.key)}
        for number, name in enumerate(self.names):
            places = range(number * self.num_samples, (number + 1) * self.num_samples)
            if not all(place in answers.tokens for place in places):
                continue  # an earlier version of ours did not count them
            of_prompt = [
                {
                    "response": answers.responses[place],
                    "cut": place in answers.cut,
                    "tokens": answers.tokens[place],
                }
                for place in places
            ]
            entries[name] = {"asked": name, "answers": of_prompt}
        self.kept.keep(self.key, entries.values())


@dataclass(frozen=True)
class KeptScores:
    """A judge's scores of some answers, in windows of which each is judged in one go."""

    kept: Kept
    key: str

    @classmethod
    def of(
        cls, kept: Kept, judge: Detector, prompts: Sequence[str], responses: Sequence[str]
    ) -> "KeptScores":
        """Of these prompts and responses by this judge."""
        parts = (judge.record.fingerprint, judge.numerics, *prompts, *responses)
        return cls(kept, key_of("scores", parts))

    def find(self) -> dict[int, Scores]:
        """By place, numbers only: what an earlier version of ours kept may be none."""
        entries = self.kept.find(self.key)
        found = {entry["place"]: tuple(entry["scores"]) for entry in entries}
        return {place: scores for place, scores in found.items() if all(map(isfinite, scores))}

    def keep(self, scores: Mapping[int, Scores]) -> None:
        """Keep the scores of all places."""
        self.kept.keep(self.key, ({"place": place, "scores": one} for place, one in scores.items()))


def published_digests(folder: Path) -> list[str]:
    """SHA-256 of each file that says what a published model or adapter computes."""
    files = sorted({*folder.glob("*.safetensors"), *folder.glob("*config.json")})
    return [file_sha256(path) for path in files]
