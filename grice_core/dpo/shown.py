"""One pair as the model sees it, for a person to look at."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from grice_core.chat.format import PromptFormat
from grice_core.dpo.encode import EncodedPair, Ids

MAX_SHOWN = 2_000
"""Tokens of a prompt that are shown: its last ones, next to the response."""


@dataclass(frozen=True)
class ShownPiece:
    """A stretch of text, or one special token."""

    text: str
    is_special: bool


@dataclass(frozen=True)
class ShownPair:
    """A pair's tokens as text."""

    row: int
    format: str
    """`plain` or `chat`."""
    prompt: tuple[ShownPiece, ...]
    """Not trained on."""
    chosen: tuple[ShownPiece, ...]
    """Trained on, to the last token."""
    rejected: tuple[ShownPiece, ...]
    """Trained on, to the last token."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "ShownPair":
        """What `document` wrote."""
        pieces = {
            name: tuple(ShownPiece(**piece) for piece in document[name])
            for name in ("prompt", "chosen", "rejected")
        }
        return cls(row=document["row"], format=document["format"], **pieces)


def show_pair(pair: EncodedPair, form: PromptFormat) -> ShownPair:
    """A pair's token ids as pieces of text, in which special tokens stand alone."""
    prompt = pair.prompt[-MAX_SHOWN:]
    sides = (tuple(_pieces(form, side, behind=prompt)) for side in (pair.chosen, pair.rejected))
    return ShownPair(pair.row, form.name, tuple(_pieces(form, prompt)), *sides)


def _pieces(form: PromptFormat, ids: Ids, behind: Ids = ()) -> Iterator[ShownPiece]:
    """Each piece is what the tokens add to the text before it: a tokenizer may trim a text's start."""
    special = {*form.tokenizer.all_special_ids, *form.tokenizer.added_tokens_decoder}
    so_far = _text(form, behind)
    for start, stop in _runs(ids, special):
        text = _text(form, (*behind, *ids[:stop]))
        yield ShownPiece(text.removeprefix(so_far), ids[start] in special)
        so_far = text


def _runs(ids: Ids, special: set[int]) -> Iterator[tuple[int, int]]:
    """Where pieces begin and end."""
    start = 0
    for place in range(1, len(ids) + 1):
        alone = ids[start] in special
        if place == len(ids) or alone or ids[place] in special:
            yield start, place
            start = place


def _text(form: PromptFormat, ids: Sequence[int]) -> str:
    text: str = form.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False)
    return text


def visible(text: str) -> str:
    """A text in which line breaks and control characters can be seen, and do nothing but break lines."""
    pictured = re.sub(r"[\x00-\x09\x0b-\x1f]", lambda found: chr(0x2400 + ord(found[0])), text)
    return re.sub(r"[\x7f-\x9f]", "�", pictured).replace("\n", "↵\n")
