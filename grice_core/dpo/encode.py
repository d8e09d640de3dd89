"""Pairs as token ids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import Pair, PairText, Prompt, PromptFormat, joint
from grice_core.chat.template import TemplateRefusal
from grice_core.data.pairs import PairTable
from grice_core.dpo.tokenise import Ids, prompt_ids, response_ids
from grice_core.errors import DataError

__all__ = ["EncodedPair", "Encoding", "Ids", "cut_left", "encode_pairs", "encode_prompts", "joint"]


@dataclass(frozen=True)
class EncodedPair:
    """One pair as the model sees it."""

    row: int
    """1-based row in the file that the pair came from."""
    prompt: Ids
    """Cut from its left where needed; at least one token."""
    chosen: Ids
    """Ends with the tokens that end an answer."""
    rejected: Ids
    """Ends with the tokens that end an answer."""


@dataclass(frozen=True)
class Encoding:
    """What became of a table's pairs."""

    pairs: dict[int, EncodedPair]
    """By index into the table; a skipped pair has no entry."""
    skipped_rows: tuple[int, ...]
    """Rows whose responses alone do not fit into the maximum length."""
    cut_rows: tuple[int, ...]
    """Rows whose prompt lost tokens on its left."""
    changed_rows: tuple[int, ...] = ()
    """Rows of which the chat template leaves out or changes a response's text."""


def encode_pairs(
    table: PairTable, tokenizer: Any, max_length: int, form: PromptFormat | None = None
) -> Encoding:
    """Token ids of each pair: the prompt is cut from its left, a response never.

    `max_length` counts prompt, one response and its end tokens. Both responses of a pair get the
    same prompt, so it is cut to the room that the longer one leaves; at least one prompt token
    has to remain, since it predicts the first response token. Without `form` the tokenizer's chat
    template is used if it has one.

    Raises:
        ModelError: The tokenizer has no end-of-text token.
        DataError: The chat template refuses a row.
    """
    form = form or FormatChoice().of(tokenizer)
    texts = render_pairs(table, form)
    prompts = prompt_ids(form, [text.prompt for text in texts])
    chosen = response_ids(form, prompts, [(text.prompt, text.chosen) for text in texts])
    rejected = response_ids(form, prompts, [(text.prompt, text.rejected) for text in texts])
    pairs: dict[int, EncodedPair] = {}
    skipped, cut = [], []
    for index, row in enumerate(table.rows.tolist()):
        room = max_length - max(len(chosen[index]), len(rejected[index]))
        if room < 1:
            skipped.append(row)
            continue
        if len(prompts[index]) > room:
            cut.append(row)
        prompt = cut_left(prompts[index], room, tokenizer)
        pairs[index] = EncodedPair(row, prompt, chosen[index], rejected[index])
    changed = [row for row, text in zip(table.rows.tolist(), texts, strict=True) if text.is_changed]
    return Encoding(pairs, tuple(skipped), tuple(cut), tuple(changed))


def refusals(table: PairTable, form: PromptFormat) -> dict[int, str]:
    """Why the chat template refuses pairs, by index into the table; nothing if it takes them all."""
    found = {}
    for index, pair in enumerate(_pairs(table)):
        try:
            form.pair(pair)
        except TemplateRefusal as refusal:
            found[index] = str(refusal)
    return found


def render_pairs(table: PairTable, form: PromptFormat) -> list[PairText]:
    """Each pair as the texts that are tokenised.

    Raises: DataError, naming the first row that the chat template refuses.
    """
    texts = []
    for row, pair in zip(table.rows.tolist(), _pairs(table), strict=True):
        try:
            texts.append(form.pair(pair))
        except TemplateRefusal as refusal:
            raise _refused(f"row {row}", form, refusal) from refusal
    return texts


def encode_prompts(
    tokenizer: Any,
    prompts: Sequence[str | Prompt],
    form: PromptFormat | None = None,
) -> list[Ids]:
    """Token ids of each prompt, as a model is given them that shall answer: exactly one beginning of
    text if there is one, no end-of-text token of the tokenizer's own, never empty.

    Without `form` the tokenizer's chat template is used if it has one.

    Raises: DataError, naming the first prompt that the chat template refuses.
    """
    form = form or FormatChoice().of(tokenizer)
    texts = []
    for number, given in enumerate(prompts, 1):
        prompt = given if isinstance(given, Prompt) else Prompt(given)
        try:
            texts.append(form.prompt(prompt))
        except TemplateRefusal as refusal:
            where = f"prompt {number} ({prompt.text[:40]!r})"
            raise _refused(where, form, refusal) from refusal
    return prompt_ids(form, texts)


def cut_left(prompt: Ids, room: int, tokenizer: Any) -> Ids:
    """The prompt's last tokens, behind its beginning-of-text token if it has one.

    Models are trained with that token first and lean on it (arXiv 2309.17453), so it stays.
    """
    if len(prompt) <= room:
        return prompt
    if room > 1 and prompt[0] == tokenizer.bos_token_id:
        return (prompt[0], *prompt[-(room - 1) :])
    return prompt[-room:]


def _pairs(table: PairTable) -> Iterator[Pair]:
    columns = (table.prompts, table.chosen, table.rejected, table.conversations)
    return (Pair(*fields) for fields in zip(*columns, strict=True))


def _refused(where: str, form: PromptFormat, refusal: TemplateRefusal) -> DataError:
    return DataError(
        f"{where}: the chat template of {form.tokenizer.name_or_path} refuses it ({refusal}): "
        "change the row or leave it out, or choose prompt_format=plain"
    )
