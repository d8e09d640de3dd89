"""Texts as token ids, and where in them a response begins."""

from collections.abc import Sequence
from typing import Any

from grice_core.chat.format import PromptFormat

Ids = tuple[int, ...]


def prompt_ids(form: PromptFormat, texts: Sequence[str]) -> list[Ids]:
    """Token ids of prompts as a model is given them that shall answer; never empty."""
    encoded = _encode(form, texts)
    if form.adds_special_tokens and _closes_texts(form.tokenizer):
        encoded = [ids[:-1] for ids in encoded]  # the end of text would end it before the answer
    return [ids or (form.tokenizer.eos_token_id,) for ids in encoded]


def response_ids(
    form: PromptFormat, prompts: Sequence[Ids], texts: Sequence[tuple[str, str]]
) -> list[Ids]:
    """What follows the prompt's tokens in prompt and response as one text, with its end tokens."""
    closing = form.closing
    encoded = []
    together = _encode(form, [text for _, text in texts])
    for (prompt, text), prefix, ids in zip(texts, prompts, together, strict=True):
        if ids[: len(prefix)] == prefix:
            response = ids[len(prefix) :]
        else:  # the tokenizer merges across the border, which generation could never do
            response = _encode_behind(form.tokenizer, prefix, text[len(prompt) :], ids)
        if closing is not None and response[-1:] != (closing,):
            response = (*response, closing)
        encoded.append(response)
    return encoded


def _encode_behind(tokenizer: Any, prefix: Ids, text: str, together: Ids) -> Ids:
    """A text's tokens behind those of a prompt, which read like the two as one text.

    Some tokenizers begin every text with a space. Where that would show, the text is encoded behind
    a line break, which is taken away again.
    """

    def reads(ids: Ids) -> str:
        decoded: str = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        return decoded

    alone, line_break, behind = _tokenise(tokenizer, [text, "\n", f"\n{text}"], special=False)
    within = behind[len(line_break) :]
    whole = reads(together)
    is_clean = behind[: len(line_break)] == line_break and reads((*prefix, *within)) == whole
    return within if is_clean and reads((*prefix, *alone)) != whole else alone


def _closes_texts(tokenizer: Any) -> bool:
    """Whether the tokenizer ends every text with an end-of-text token (`add_eos_token`).

    Asked of a text of our own, since a prompt may well end with that token: some dialogue models
    separate turns by it.
    """
    (plain,) = _tokenise(tokenizer, ["a"], special=False)
    (ids,) = _tokenise(tokenizer, ["a"], special=True)
    return ids[-1:] == (tokenizer.eos_token_id,) != plain[-1:]


def _encode(form: PromptFormat, texts: Sequence[str]) -> list[Ids]:
    """Token ids of whole texts, each with one beginning of text at most."""
    tokenizer = form.tokenizer
    encoded = _tokenise(tokenizer, texts, special=form.adds_special_tokens)
    return [_with_one_beginning(ids, tokenizer.bos_token_id) for ids in encoded]


def _with_one_beginning(ids: Ids, beginning: int | None) -> Ids:
    """Without the second beginning of text that a text has which already said it."""
    while len(ids) > 1 and ids[0] == ids[1] == beginning:
        ids = ids[1:]
    return ids


def _tokenise(tokenizer: Any, texts: Sequence[str], *, special: bool) -> list[Ids]:
    if not texts:
        return []
    # Not `tokenizer(...)`'s own truncation: it would cut the response. `verbose=False` silences
    # its warning about texts longer than the model, which the caller cuts.
    batch = tokenizer(list(texts), add_special_tokens=special, verbose=False)
    return [tuple(ids) for ids in batch["input_ids"]]
