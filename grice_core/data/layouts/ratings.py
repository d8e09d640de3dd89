"""Layouts of several responses to a prompt, each with a rating: the best one and the worst make a pair."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from grice_core.data.batches import Batch, batch_of_objects
from grice_core.data.layouts.base import (
    Found,
    Layout,
    Row,
    Sample,
    asked,
    best_and_worst,
    items_of,
    number,
    objects_of,
)
from grice_core.data.layouts.conversion import RowLayout, rows_of_batch
from grice_core.data.layouts.transcripts import transcript


def rated(prompt: Any, responses: Iterable[tuple[Any, float | None]]) -> Found:
    """The best and the worst response, or a tie."""
    pair = best_and_worst(responses)
    return Found(prompt, *pair) if pair else Found(prompt, is_tie=True)


class UltraFeedback(RowLayout):
    """UltraFeedback as it was published: completions with ratings of several aspects."""

    name = "ultrafeedback"
    title = "UltraFeedback: best against worst completion by mean rating"
    source = "https://huggingface.co/datasets/openbmb/UltraFeedback"
    moves = ("instruction",)
    reads = ("completions",)
    opens = reads

    def recognises(self, sample: Sample) -> bool:
        """An instruction and completions with their responses."""
        return sample.has("instruction", "completions") and any(
            isinstance(one, dict) and "response" in one
            for completions in sample.values("completions")
            if isinstance(completions, list)
            for one in completions
        )

    def found(self, row: Row) -> Found:
        """By the mean of the aspects, as Argilla's cleaned version does: `overall_score` has known errors."""
        completions = objects_of(row.get("completions"))
        return rated(
            row.get("instruction"),
            [(one.get("response"), _mean_rating(one)) for one in completions],
        )


class Distilabel(RowLayout):
    """What distilabel's preference tasks write: generations and their ratings."""

    name = "distilabel"
    title = "distilabel: best against worst generation by rating"
    source = (
        "https://distilabel.argilla.io/latest/components-gallery/steps/formattextgenerationdpo/"
    )
    moves = ("instruction", "messages", "prompt", "input", "system_prompt", "system")
    reads = ("generations", "ratings", "rating", "ranked_candidates")
    opens = (*reads, "messages")

    def recognises(self, sample: Sample) -> bool:
        """Generations with ratings, or PairRM's ranking, and no pair yet."""
        has_ratings = sample.some("ratings", list) or sample.some("rating", list)
        is_rated = has_ratings and sample.some("generations", list)
        return is_rated or (sample.has("ranks") and sample.some("ranked_candidates", list))

    def found(self, row: Row) -> Found:
        """The highest against the lowest rating, or the first against the last of a ranking."""
        prompt = next((row[name] for name in self.moves[:4] if name in row), None)
        ranked = items_of(row.get("ranked_candidates"))
        ratings = items_of(row.get("ratings", row.get("rating")))
        generations = items_of(row.get("generations"))
        responses = (
            [(one, -float(rank)) for rank, one in enumerate(ranked)]
            if ranked
            else list(zip(generations, map(number, ratings), strict=False))
        )
        return rated(asked(row.get("system_prompt", row.get("system")), prompt), responses)


class Nectar(RowLayout):
    """Berkeley's Nectar: ranked answers, as axolotl's `zephyr.nectar` takes them."""

    name = "nectar"
    title = "Nectar: best against worst answer by rank"
    source = "https://huggingface.co/datasets/berkeley-nest/Nectar"
    moves = ("prompt",)
    reads = ("answers",)
    opens = reads

    def recognises(self, sample: Sample) -> bool:
        """A prompt and answers with their ranks."""
        return sample.has("prompt", "answers") and any(
            isinstance(one, dict) and {"answer", "rank"} <= one.keys()
            for answers in sample.values("answers")
            if isinstance(answers, list)
            for one in answers
        )

    def found(self, row: Row) -> Found:
        """Rank 1 is the best."""
        prompt = transcript(row.get("prompt"))
        if (
            isinstance(prompt, list)
            and prompt
            and prompt[-1] == {"role": "assistant", "content": ""}
        ):
            prompt = prompt[:-1]
        answers = objects_of(row.get("answers"))
        return rated(prompt, [(one.get("answer"), _negative(one.get("rank"))) for one in answers])


class HelpSteer(Layout):
    """NVIDIA's HelpSteer and HelpSteer2: one response a row, rated; those to one prompt follow each other."""

    name = "helpsteer"
    title = "HelpSteer: best against worst response to a prompt by helpfulness"
    source = "https://huggingface.co/datasets/nvidia/HelpSteer2"
    ratings: ClassVar = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")

    def recognises(self, sample: Sample) -> bool:
        """A prompt, a response and the five ratings."""
        return sample.has("prompt", "response", *self.ratings)

    def convert(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """A row for each prompt, at its first response's number."""
        begun: list[Row] = []
        num_before = 0
        for batch in batches:
            groups: list[tuple[int, list[Row]]] = []
            for row_number, row in enumerate(rows_of_batch(batch), num_before + 1):
                if begun and begun[0].get("prompt") != row.get("prompt"):
                    groups.append((row_number - len(begun), begun))
                    begun = []
                begun.append(row)
            num_before += batch.num_rows
            if groups:
                yield self._pairs(groups)
        if begun:
            yield self._pairs([(num_before + 1 - len(begun), begun)])

    def _pairs(self, groups: list[tuple[int, list[Row]]]) -> Batch:
        found = [self._pair(rows) for _, rows in groups]
        batch = batch_of_objects(self.name, found)
        ties = np.array(["chosen" not in row for row in found], dtype=np.bool_)
        columns = {"prompt": [None] * len(found), **batch.columns}
        numbers = np.array([row_number for row_number, _ in groups])
        return Batch(columns, len(found), ties=ties, row_numbers=numbers)

    def _pair(self, rows: list[Row]) -> Row:
        """The best response and the worst, each with its ratings, and what the first row has besides."""
        moved = {"response", *self.ratings}
        rest = {name: value for name, value in rows[0].items() if name not in moved}
        pair = best_and_worst((row, number(row.get("helpfulness"))) for row in rows)
        if pair is None:
            return rest
        sides = dict(zip(("chosen", "rejected"), pair, strict=True))
        responses = {side: row.get("response") for side, row in sides.items()}
        ratings = {
            f"{side}_{name}": row[name]
            for side, row in sides.items()
            for name in self.ratings
            if name in row
        }
        return rest | responses | ratings


def _mean_rating(completion: dict[str, Any]) -> float | None:
    """Of all aspects that have a number; else what there is as a whole."""
    annotations = completion.get("annotations")
    aspects = annotations.values() if isinstance(annotations, dict) else ()
    ratings = [
        number(one.get("Rating"))
        for one in chain.from_iterable(a if isinstance(a, list) else [a] for a in aspects)
        if isinstance(one, dict)
    ]
    known = [rating for rating in ratings if rating is not None]
    if known:
        return sum(known) / len(known)
    return number(completion.get("fine-grained_score", completion.get("overall_score")))


def _negative(rank: Any) -> float | None:
    place = number(rank)
    return None if place is None else -place
