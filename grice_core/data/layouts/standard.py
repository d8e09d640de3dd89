"""The fields `prompt`, `chosen` and `rejected`, as TRL, the exports of this program and many data sets have them."""

from collections.abc import Iterable, Iterator
from typing import Any

from grice_core.data.batches import Batch
from grice_core.data.conversation_column import TOOLS
from grice_core.data.fields import TEXT_SPELLINGS
from grice_core.data.layouts.base import Found, Layout, Row, Sample
from grice_core.data.layouts.conversion import RowLayout
from grice_core.data.layouts.transcripts import is_transcript
from grice_core.data.texts import first_text

_SIDES = ("chosen", "rejected")


class Standard(Layout):
    """TRL's preference layout: text or messages, with the prompt of its own or within the responses."""

    name = "trl"
    title = "TRL preference"
    source = "https://huggingface.co/docs/trl/dataset_formats#preference"

    def recognises(self, sample: Sample) -> bool:
        """Both responses are there, and a prompt in a field or at the beginning of both."""
        if not all(sample.names.intersection(TEXT_SPELLINGS[side]) for side in _SIDES):
            return False
        if any(_is_from_value(value) for value in _texts(sample, (*_SIDES, "prompt"))):
            return False
        has_prompt = bool(sample.names.intersection(TEXT_SPELLINGS["prompt"]))
        return has_prompt or any(map(_begins_with_a_prompt, _texts(sample, _SIDES)))

    def describe(self, sample: Sample) -> str:
        """Which of TRL's forms it is."""
        traits = []
        if any(isinstance(value, list | dict) for value in _texts(sample, (*_SIDES, "prompt"))):
            traits.append("conversational")
        if not sample.names.intersection(TEXT_SPELLINGS["prompt"]):
            traits.append("implicit prompt")
        if any(isinstance(tools, list) and tools for tools in sample.values(TOOLS)):
            traits.append("tools")
        return ", ".join([self.title, *traits])

    def convert(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The same columns by their standard names, not copied."""
        return map(with_standard_names, batches)


class UltraFeedbackBinarized(Standard):
    """UltraFeedback as the Zephyr project made pairs of it."""

    name = "ultrafeedback-binarized"
    title = "UltraFeedback, binarised"
    source = "https://huggingface.co/datasets/HuggingFaceH4/ultrafeedback_binarized"

    def recognises(self, sample: Sample) -> bool:
        """TRL's fields, the prompt's hash and the ratings."""
        return sample.has("prompt_id", "score_chosen", "score_rejected") and super().recognises(
            sample
        )

    def describe(self, _sample: Sample) -> str:
        """Always the same."""
        return self.title


class ImplicitText(RowLayout):
    """TRL's preference layout as plain text: the prompt is what both responses begin with."""

    name = "trl-implicit-text"
    title = "TRL preference, plain text with an implicit prompt"
    source = "https://huggingface.co/docs/trl/dataset_formats#preference"
    moves = _SIDES

    def recognises(self, sample: Sample) -> bool:
        """Texts on both sides that begin alike in nearly all rows, and no other field of sentences."""
        if not sample.has(*_SIDES) or any(map(sample.is_prose, sample.names - {*_SIDES})):
            return False
        if all(map(is_transcript, _texts(sample, _SIDES))):
            return False
        shared = [bool(self.found(row).prompt) for row in sample.rows]
        return sum(shared) > _NEARLY_ALL * len(shared)

    def found(self, row: Row) -> Found:
        """The beginning that both have in common, up to the last white space in it."""
        chosen, rejected = row.get("chosen"), row.get("rejected")
        if not isinstance(chosen, str) or not isinstance(rejected, str) or chosen == rejected:
            return Found(None, chosen, rejected)
        prompt = common_start(chosen, rejected)
        start = len(prompt)
        if prompt.endswith(" "):  # one blank between them is added again where they are joined
            prompt = prompt[:-1]
        return Found(prompt, chosen[start:], rejected[start:])


_NEARLY_ALL = 0.9


def common_start(text: str, other: str) -> str:
    """What both begin with, whole words of it: it ends with white space, or is empty."""
    length = next(
        (place for place, (a, b) in enumerate(zip(text, other, strict=False)) if a != b),
        min(len(text), len(other)),
    )
    while length and not text[length - 1].isspace():
        length -= 1
    return text[:length]


def _texts(sample: Sample, fields: Iterable[str]) -> Iterator[Any]:
    for field in fields:
        for name in TEXT_SPELLINGS[field]:
            yield from sample.values(name)


def _begins_with_a_prompt(value: Any) -> bool:
    """Whether these are messages of which the first one is no answer."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and first.get("role") != "assistant"


def _is_from_value(value: Any) -> bool:
    """Whether a message, or the first of several, has ShareGPT's keys."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and {"from", "value"} <= first.keys()


def with_standard_names(batch: Batch) -> Batch:
    """A batch whose texts stand in the fields `prompt`, `chosen` and `rejected`, under whatever names they came."""
    columns = dict(batch.columns)
    for field, spellings in TEXT_SPELLINGS.items():
        known = [name for name in spellings if name in columns]
        if known:
            column = first_text([columns[name] for name in known])
            del columns[known[0]]
            columns[field] = column
    return batch.taken_for(columns)
