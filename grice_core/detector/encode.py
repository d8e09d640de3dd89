"""Texts into tokens: what has to give way when a text is too long, and which tokens the response is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grice_core.data.pairs import BoolArray
from grice_core.detector.template import JudgedText, RenderedText, Template
from grice_core.progress import Progress, silent

_CHUNK = 1024
"""Texts tokenized at once: enough to keep the tokenizer's threads busy."""


@dataclass(frozen=True, eq=False)
class EncodedText:
    """One input of a detector."""

    token_ids: npt.NDArray[np.int32]
    """(L,) with the special tokens."""
    response_mask: BoolArray
    """(L,) true on the response's tokens."""
    response_cut: bool
    """Whether the response alone was too long, so that its end is missing."""

    def __len__(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True)
class TextEncoder:
    """A detector's tokenizer, template and length limit."""

    tokenizer: Any
    template: Template
    max_length: int

    def encode(self, texts: Sequence[JudgedText], progress: Progress = silent) -> list[EncodedText]:
        """Tokenize; what is too long loses its context from the left, and its response never.

        Only when nothing is left of the context and of the evidence is the response's end cut.
        """
        encoded: list[EncodedText] = []
        for start in range(0, len(texts), _CHUNK):
            encoded += self._encode_chunk(texts[start : start + _CHUNK])
            progress("tokenizing", len(encoded), len(texts))
        return encoded

    def _encode_chunk(self, texts: Sequence[JudgedText]) -> Iterable[EncodedText]:
        rendered = [self.template.render(text) for text in texts]
        tokens = self.tokenizer(
            [one.text for one in rendered],
            return_offsets_mapping=True,
            return_attention_mask=False,
            split_special_tokens=True,  # a "[SEP]" in someone's text is text
            verbose=False,
        )
        for one, ids, offsets in zip(
            rendered, tokens["input_ids"], tokens["offset_mapping"], strict=True
        ):
            yield self._fit(one, np.array(ids, np.int32), np.array(offsets, np.int64)[:, 1])

    def _fit(
        self, rendered: RenderedText, ids: npt.NDArray[np.int32], ends: npt.NDArray[np.int64]
    ) -> EncodedText:
        """Drop what does not fit; `ends` (L,) is the character after each token's last."""
        context, evidence, response = (
            _belongs(ends, rendered.spans.get(field, (0, 0)))
            for field in ("context", "evidence", "response")
        )
        excess = max(0, len(ids) - self.max_length)
        # First to go: the context's oldest words, the evidence, the response's last words.
        expendable = np.concatenate(
            (np.flatnonzero(context), np.flatnonzero(evidence), np.flatnonzero(response)[::-1])
        )
        kept = np.ones(len(ids), dtype=np.bool_)
        kept[expendable[:excess]] = False
        return EncodedText(
            token_ids=ids[kept],
            response_mask=response[kept],
            response_cut=bool((response & ~kept).any()),
        )


def _belongs(ends: npt.NDArray[np.int64], span: tuple[int, int]) -> BoolArray:
    """(L,) which tokens end within a half-open range of characters; special tokens end at 0."""
    return (ends > span[0]) & (ends <= span[1])
