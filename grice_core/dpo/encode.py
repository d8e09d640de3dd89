"""Pairs as token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grice_core.data.pairs import PairTable
from grice_core.errors import ModelError

Ids = tuple[int, ...]


@dataclass(frozen=True)
class EncodedPair:
    """One pair as the model sees it."""

    row: int
    """1-based row in the file that the pair came from."""
    prompt: Ids
    """Cut from its left where needed; at least one token."""
    chosen: Ids
    """Ends with the end-of-text token."""
    rejected: Ids
    """Ends with the end-of-text token."""


@dataclass(frozen=True)
class Encoding:
    """What became of a table's pairs."""

    pairs: dict[int, EncodedPair]
    """By index into the table; a skipped pair has no entry."""
    skipped_rows: tuple[int, ...]
    """Rows whose responses alone do not fit into the maximum length."""
    cut_rows: tuple[int, ...]
    """Rows whose prompt lost tokens on its left."""


def encode_pairs(table: PairTable, tokenizer: Any, max_length: int) -> Encoding:
    """Token ids of each pair: the prompt is cut from its left, a response never.

    `max_length` counts prompt, one response and its end of text. Both responses of a pair get the
    same prompt, so it is cut to the room that the longer one leaves; at least one prompt token
    has to remain, since it predicts the first response token.

    Raises: ModelError, if the tokenizer has no end-of-text token.
    """
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"the tokenizer of {tokenizer.name_or_path} has no end-of-text token: "
            "set eos_token in its tokenizer_config.json"
        )
    prompts = encode_prompts(tokenizer, table.prompts)
    chosen = _encode_responses(tokenizer, table.prompts, table.chosen, prompts)
    rejected = _encode_responses(tokenizer, table.prompts, table.rejected, prompts)
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
    return Encoding(pairs, tuple(skipped), tuple(cut))


def encode_prompts(tokenizer: Any, prompts: Sequence[str]) -> list[Ids]:
    """Token ids of each prompt, as generation will see them: with the tokenizer's own beginning-of-
    text token if it has one, without an end-of-text token, never empty."""
    encoded = _encode(tokenizer, prompts, special=True)
    if _closes_texts(tokenizer):  # and would end the prompt before the answer
        encoded = [ids[:-1] for ids in encoded]
    return [ids or (tokenizer.eos_token_id,) for ids in encoded]


def cut_left(prompt: Ids, room: int, tokenizer: Any) -> Ids:
    """The prompt's last tokens, behind its beginning-of-text token if it has one.

    Models are trained with that token first and lean on it (arXiv 2309.17453), so it stays.
    """
    if len(prompt) <= room:
        return prompt
    if room > 1 and prompt[0] == tokenizer.bos_token_id:
        return (prompt[0], *prompt[-(room - 1) :])
    return prompt[-room:]


def joint(prompt: str, response: str) -> str:
    """The text that prompt and response make: one space between them unless there is white space."""
    touching = prompt and response and not prompt[-1].isspace() and not response[0].isspace()
    return f"{prompt} {response}" if touching else prompt + response


def _encode_responses(
    tokenizer: Any, prompts: Sequence[str], responses: Sequence[str], prompt_ids: Sequence[Ids]
) -> list[Ids]:
    """What follows the prompt's tokens in the joint text, closed by the end-of-text token."""
    texts = [joint(prompt, text) for prompt, text in zip(prompts, responses, strict=True)]
    eos = tokenizer.eos_token_id
    encoded = []
    for prompt, text, prefix, ids in zip(
        prompts, texts, prompt_ids, _encode(tokenizer, texts, special=True), strict=True
    ):
        if ids[: len(prefix)] == prefix:
            response = ids[len(prefix) :]
        else:  # the tokenizer merges across the border, which generation could never do
            (response,) = _encode(tokenizer, [text[len(prompt) :]], special=False)
        encoded.append(response if response and response[-1] == eos else (*response, eos))
    return encoded


def _closes_texts(tokenizer: Any) -> bool:
    """Whether the tokenizer ends every text with an end-of-text token (`add_eos_token`).

    Asked of a text of our own, since a prompt may well end with that token: some dialogue models
    separate turns by it.
    """
    (plain,) = _encode(tokenizer, ["a"], special=False)
    (ids,) = _encode(tokenizer, ["a"], special=True)
    return ids[-1:] == (tokenizer.eos_token_id,) != plain[-1:]


def _encode(tokenizer: Any, texts: Sequence[str], *, special: bool) -> list[Ids]:
    if not texts:
        return []
    # Not `tokenizer(...)`'s own truncation: it would cut the response. `verbose=False` silences
    # its warning about texts longer than the model, which the caller cuts.
    batch = tokenizer(list(texts), add_special_tokens=special, verbose=False)
    return [tuple(ids) for ids in batch["input_ids"]]
