"""Responses from a model: batched, and the same whatever the batch.

In fp32 the batch size does not change a single text. A batch does change the last digits of the
logits, since matrices of another shape are multiplied in another order. A draw that such digits
could decide (about one in a thousand) is therefore taken again from logits that depend on no other
row: a pass over that row alone, without padding or cache. In bf16 the digits that change are too
many for that: there two batch sizes give responses that agree for a while and then part.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import Prompt, PromptFormat
from grice_core.dpo.encode import Ids, cut_left, encode_prompts
from grice_core.dpo.positions import max_positions
from grice_core.dpo.signature import accepted
from grice_core.errors import ModelError
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.decoding import Decoder, Decoding, choose_decoding
from grice_core.evaluation.drawing import Draw, draw, noise_keys
from grice_core.evaluation.sampling import Sampling
from grice_core.kernels.linear import prepacked
from grice_core.kernels.stored import stored_modules
from grice_core.progress import Progress, silent

TOLERANCE = 1e-3
"""Twice the largest rounding error of an fp32 log-probability that is assumed."""


@dataclass
class _Row:
    """One response in the making."""

    place: int
    """Index of its response in the result."""
    prompt: Ids
    key: np.uint64
    response: list[int] = field(default_factory=list)


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str | Prompt],
    sampling: Sampling,
    *,
    form: PromptFormat | None = None,
    batch_size: int = 16,
    decoding: Decoding | None = None,
    answers: Answers | None = None,
    progress: Progress = silent,
) -> list[str]:
    """Sample responses to each prompt.

    Rows are batched by length (padding on the left, keys and values cached); a row that ends leaves
    its batch at once. A prompt that leaves no room for the response is cut from its left.

    Args:
        model: Causal language model, plain or with adapters; left in the modes it came in.
        tokenizer: The model's tokenizer; it needs no padding token.
        prompts: N texts, or conversations with the texts that stand for them.
        sampling: Temperature, top-p, length, seed and samples per prompt (k).
        form: How the model is asked; None: in its chat template if it has one.
        batch_size: Rows at once; changes speed and memory only.
        decoding: How the model writes; None: the fastest way that is tried and found exact.
        answers: Gets the responses batch by batch; one that is there is not written again in fp32, in bf16 if all of
            its batch are there.
        progress: Told of every finished response.

    Returns:
        N·k responses without special tokens and outer white space, the k samples of a prompt together.

    Raises:
        ModelError: The model has too few positions for the response, or its logits are not numbers.
        DataError: The chat template refuses a prompt.
    """
    form = form or FormatChoice().of(tokenizer)
    texts = [prompt.text if isinstance(prompt, Prompt) else prompt for prompt in prompts]
    rows = _rows(model, encode_prompts(tokenizer, prompts, form), texts, sampling, form)
    # The longest first: what doesn't fit into memory shows at once.
    queue = sorted(rows, key=lambda row: -len(row.prompt))
    ends = end_tokens(model, tokenizer) | form.ends
    answers = answers or Answers()
    if not _depends_on_batch(model):
        queue = [row for row in queue if row.place not in answers.responses]
    done = len(rows) - len(queue)
    if done:
        progress("generate responses", done, len(rows))
    with _evaluating(model), prepacked(model), torch.no_grad():
        if decoding is None and all(row.place in answers.responses for row in rows):
            decoding = "whole"  # nothing is left to write
        elif decoding is None:
            prompt_ids = [row.prompt for row in rows]
            decoding = choose_decoding(model, prompt_ids, sampling.max_new_tokens)
        for start in range(0, len(queue), batch_size):
            batch = queue[start : start + batch_size]
            # Whole batches, so that in bf16 too the texts are those of an undisturbed run.
            if all(row.place in answers.responses for row in batch):
                done += len(batch)
                progress("generate responses", done, len(rows))
                continue
            for finished in filter(None, _complete(model, batch, sampling, ends, decoding)):
                done += finished
                progress("generate responses", done, len(rows))
            tokens = {row.place: len(row.response) for row in batch}
            cut = {place for place, num in tokens.items() if num == sampling.max_new_tokens}
            written = {row.place: _text(form, row.response) for row in batch}
            answers.keep_responses(written, cut, tokens)
    return [answers.responses[row.place] for row in rows]


@torch.no_grad()
def stream(
    model: Any, tokenizer: Any, prompt: str, sampling: Sampling, form: PromptFormat | None = None
) -> Iterator[str]:
    """One response as it grows, token by token; in fp32 the last text is what `generate` gives.

    Nothing is computed ahead of the text that is asked for: streams of several adapters on one base
    may take turns, as long as each finds its own adapter switched on.

    Raises:
        ModelError: The model has too few positions for the response, or its logits are not numbers.
        DataError: The chat template refuses the prompt.
    """
    form = form or FormatChoice().of(tokenizer)
    encoded = encode_prompts(tokenizer, [prompt], form)
    rows = _rows(model, encoded, [prompt], sampling, form)[:1]
    row = rows[0]
    ends = end_tokens(model, tokenizer) | form.ends
    with _evaluating(model):
        decoding = choose_decoding(model, [row.prompt], sampling.max_new_tokens, batches=False)
        for _ in _complete(model, rows, sampling, ends, decoding):
            yield _text(form, row.response)


def _text(form: PromptFormat, response: list[int]) -> str:
    """As the model wrote it: no space taken away before a punctuation mark."""
    text: str = form.tokenizer.decode(
        response, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return form.answer(text.strip())


def _complete(
    model: Any, rows: list[_Row], sampling: Sampling, ends: frozenset[int], decoding: Decoding
) -> Iterator[int]:
    """Write the responses of one batch; yields after each position how many have ended there."""
    if decoding != "batched" and len(rows) > 1:
        for row in rows:
            yield from _complete(model, [row], sampling, ends, decoding)
        return
    decoder = Decoder(model, [row.prompt for row in rows], decoding)
    for _ in range(sampling.max_new_tokens):
        tokens = _next_tokens(model, rows, decoder.logits(), sampling)
        unfinished = [i for i, token in enumerate(tokens) if token not in ends]
        for i in unfinished:
            rows[i].response.append(tokens[i])
        yield len(rows) - len(unfinished)
        rows = [rows[i] for i in unfinished]
        if not rows:
            return
        decoder.append([row.response[-1] for row in rows], unfinished)
    yield len(rows)


def _next_tokens(model: Any, rows: Sequence[_Row], logits: Tensor, sampling: Sampling) -> list[int]:
    """Draw each row's next token; see the module's docstring for what happens at a close call."""
    tolerance = TOLERANCE if logits.dtype in (torch.float32, torch.float64) else 0.0

    def drawn(rows: Sequence[_Row], logits: Tensor) -> Draw:
        keys = np.array([row.key for row in rows], dtype=np.uint64)
        return draw(logits, keys, len(rows[0].response), sampling, tolerance)

    batch = drawn(rows, logits)
    tokens: list[int] = batch.tokens.tolist()
    for i in np.flatnonzero(~batch.settled).tolist():
        row = rows[i]
        alone = torch.tensor([[*row.prompt, *row.response]], device=logits.device)
        known = accepted(model, use_cache=False, logits_to_keep=1)
        output = model(input_ids=alone, **known)
        tokens[i] = int(drawn([row], output.logits[:, -1]).tokens[0])
    return tokens


def _rows(
    model: Any,
    encoded: Sequence[Ids],
    prompts: Sequence[str],
    sampling: Sampling,
    form: PromptFormat,
) -> list[_Row]:
    """One row per prompt and sample, the samples of a prompt together; texts decide on the noise."""
    encoded = fitting(model, form.tokenizer, encoded, sampling.max_new_tokens)
    keys = [noise_keys(sampling.seed, prompts, s) for s in range(sampling.samples_per_prompt)]
    places = [(n, s) for n in range(len(prompts)) for s in range(sampling.samples_per_prompt)]
    return [_Row(place, encoded[n], keys[s][n]) for place, (n, s) in enumerate(places)]


def fitting(
    model: Any, tokenizer: Any, prompts: Sequence[Ids], max_new_tokens: int
) -> Sequence[Ids]:
    """Encoded prompts, cut from their left where they leave no room for the response.

    Raises:
        ModelError: The model has too few positions for the response.
    """
    num_positions = max_positions(model.config)
    if num_positions is None:
        return prompts
    if num_positions <= max_new_tokens:
        raise ModelError(
            f"the model has {num_positions} positions, too few for a prompt and "
            f"{max_new_tokens} new tokens: lower evaluation.max_new_tokens"
        )
    return [cut_left(ids, num_positions - max_new_tokens, tokenizer) for ids in prompts]


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a response; a chat model has several."""
    config = getattr(model, "generation_config", None)
    named = getattr(config, "eos_token_id", None)
    several = named if isinstance(named, list) else [named]
    return frozenset(int(end) for end in (*several, tokenizer.eos_token_id) if end is not None)


def _depends_on_batch(model: Any) -> bool:
    """Whether the other rows of a batch may change a text."""
    weights = next(model.parameters())
    if torch.is_autocast_enabled(weights.device.type):
        return True
    return weights.dtype.itemsize < 4 and not stored_modules(model)  # whose products run in fp32


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout off, and bring every module back into the mode that it was in.

    Module by module: a policy trains with its adapter's dropout on and its base's dropout off.
    """
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
