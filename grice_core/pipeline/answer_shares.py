"""A share of the answers that a model is asked for: written apart, and put among all of them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import torch

from grice_core.dpo.base import BaseModel
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.decoding import DecodingChoice
from grice_core.evaluation.generation import generate
from grice_core.journal import Entry
from grice_core.pipeline.evaluation_job import EvaluationJob
from grice_core.progress import Progress, silent

Share = Sequence[int]
"""Places of prompts among all that are asked."""


def deal(numbers: Sequence[int], count: int) -> list[list[int]]:
    """Numbers in `count` shares of about the same size: (0, 1, 2) in two are (0, 2) and (1)."""
    return [list(numbers[index::count]) for index in range(count)]


def lacking_prompts(job: EvaluationJob, answers: Answers) -> set[int]:
    """Places of the prompts that lack one of their answers."""
    k = job.sampling.samples_per_prompt
    return {
        place
        for place in range(len(job.selection.prompts))
        if any(place * k + sample not in answers.responses for sample in range(k))
    }


def write_share(
    base: BaseModel,
    job: EvaluationJob,
    share: Share,
    keep: Callable[[Iterable[Entry]], None],
    *,
    batch_size: int,
    known: Mapping[int, str] | None = None,
    decoding: DecodingChoice | None = None,
    progress: Progress = silent,
) -> None:
    """Write the answers to some prompts.

    Args:
        keep: Gets them as they are written; places are those within the share.
        known: Answers that are there already, by such places.

    Raises: ModelError.
    """
    prompts = [job.selection.asked[place] for place in share]
    if not prompts:
        return
    bf16 = job.dtype == torch.bfloat16
    with torch.autocast(base.model.device.type, dtype=torch.bfloat16, enabled=bf16):
        generate(
            base.model,
            base.tokenizer,
            prompts,
            job.sampling,
            form=job.format_choice.of(base.tokenizer),
            batch_size=batch_size,
            decoding=decoding,
            answers=Answers(responses=dict(known or {}), write=keep),
            progress=progress,
        )


def places_of(share: Share, num_samples: int) -> list[int]:
    """Places among all answers of those of a share, in their order there."""
    return [place * num_samples + sample for place in share for sample in range(num_samples)]


def keep_entries(answers: Answers, places: Sequence[int], entries: Collection[Entry]) -> None:
    """Put answers of a share, whose entries name their place there, among all of them."""
    found = {places[entry["place"]]: entry for entry in entries}
    answers.keep_responses(
        {place: entry["response"] for place, entry in found.items()},
        [place for place, entry in found.items() if entry.get("cut")],
        {place: entry["tokens"] for place, entry in found.items()},
    )
