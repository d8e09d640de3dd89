"""Responses from a model: batched, and the same whatever the batch.

Rows that end make room for the next ones. Where a batch may change a text, in bf16, each batch is written to its
end instead, so that a killed run that continues writes the same texts.

In fp32 the batch size does not change a single text. A batch does change the last digits of the
logits, since matrices of another shape are multiplied in another order. A draw that such digits
could decide (about one in a thousand) is therefore taken again from logits that depend on no other
row: a pass over that row alone, without padding or cache. In bf16 the digits that change are too
many for that: there two batch sizes give responses that agree for a while and then part.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import Prompt, PromptFormat
from grice_core.dpo.encode import encode_prompts
from grice_core.dpo.signature import accepted
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.batching import USUAL_ROWS, rows_at_once, rows_that_fit, rows_to_admit
from grice_core.evaluation.decoding import Decoder, Decoding, DecodingChoice, choose_decoding
from grice_core.evaluation.drawing import Draw, draw
from grice_core.evaluation.rows import Row, in_batches, new_rows
from grice_core.evaluation.sampling import Sampling
from grice_core.kernels.cache import kept_order
from grice_core.kernels.memory import return_freed_memory
from grice_core.kernels.precision import product_dtype
from grice_core.kernels.prepacking import prepacked
from grice_core.kernels.stored import stored_modules
from grice_core.progress import Progress, silent

BATCH_SIZE = 16
TOLERANCE = 1e-3
"""Twice the largest rounding error of an fp32 log-probability that is assumed."""


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str | Prompt],
    sampling: Sampling,
    *,
    form: PromptFormat | None = None,
    batch_size: int | None = None,
    decoding: DecodingChoice | None = None,
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
        batch_size: Rows at once; None: as many as `rows_that_fit`. In fp32 it changes speed and memory only.
        decoding: How the model writes, if that is known, or is to be known afterwards; None: the fastest way that is
            tried and found exact.
        answers: Gets the responses as they are written; one that is there is not written again in fp32, in bf16 if all
            of its batch are there.
        progress: Told of every finished response.

    Returns:
        N·k responses without special tokens and outer white space, the k samples of a prompt together.

    Raises:
        ModelError: The model has too few positions for the response, or its logits are not numbers.
        DataError: The chat template refuses a prompt.
    """
    form = form or FormatChoice().of(tokenizer)
    texts = [prompt.text if isinstance(prompt, Prompt) else prompt for prompt in prompts]
    rows = new_rows(model, encode_prompts(tokenizer, prompts, form), texts, sampling, form)
    ends = end_tokens(model, tokenizer) | form.ends
    answers, decoding = answers or Answers(), decoding or DecodingChoice()
    depends_on_batch = _depends_on_batch(model)
    prompt_ids = [row.prompt for row in rows]
    batch_size = batch_size or _rows_that_fit(model, rows, sampling)
    done = sum(row.place in answers.responses for row in rows)
    if done == len(rows):
        if done:
            progress("generate responses", done, done)
        return [answers.responses[row.place] for row in rows]
    return_freed_memory()
    with _evaluating(model), prepacked(model), torch.no_grad():
        way = decoding.of(model, prompt_ids, sampling.max_new_tokens)
        batch_size = rows_at_once(way, batch_size)
        batches = list(in_batches(rows, answers, batch_size, whole=depends_on_batch))
        done = len(rows) - sum(map(len, batches))
        if done:
            progress("generate responses", done, len(rows))
        for batch in batches:
            for finished in filter(None, _write(model, batch, sampling, ends, way, batch_size)):
                if not depends_on_batch:
                    _keep(finished, answers, form, sampling)
                done += len(finished)
                progress("generate responses", done, len(rows))
            if depends_on_batch:
                _keep(batch, answers, form, sampling)
    return [answers.responses[row.place] for row in rows]


def _keep(rows: Sequence[Row], answers: Answers, form: PromptFormat, sampling: Sampling) -> None:
    tokens = {row.place: len(row.response) for row in rows}
    cut = {place for place, num in tokens.items() if num == sampling.max_new_tokens}
    answers.keep_responses({row.place: _text(form, row.response) for row in rows}, cut, tokens)


def written_together(
    model: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    form: PromptFormat,
    decoding: Decoding,
    batch_size: int | None = None,
) -> list[list[int]]:
    """Places of the responses that `generate` has to write together to write them again, group by group.

    In fp32 no response depends on the others: the groups are usual batches then.
    """
    encoded = encode_prompts(form.tokenizer, prompts, form)
    rows = new_rows(model, encoded, [prompt.text for prompt in prompts], sampling, form)
    size = USUAL_ROWS
    if _depends_on_batch(model):
        size = rows_at_once(decoding, batch_size or _rows_that_fit(model, rows, sampling))
    return [[row.place for row in batch] for batch in in_batches(rows, Answers(), size, whole=True)]


def _rows_that_fit(model: Any, rows: Sequence[Row], sampling: Sampling) -> int:
    dtype = product_dtype(torch.empty(0, device=next(model.parameters()).device))
    return rows_that_fit(model, [row.prompt for row in rows], sampling.max_new_tokens, dtype)


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
    rows = new_rows(model, encoded, [prompt], sampling, form)[:1]
    row = rows[0]
    ends = end_tokens(model, tokenizer) | form.ends
    with _evaluating(model):
        decoding = choose_decoding(model, [row.prompt], sampling.max_new_tokens, batches=False)
        for _ in _write(model, rows, sampling, ends, decoding):
            yield _text(form, row.response)


def _text(form: PromptFormat, response: list[int]) -> str:
    """As the model wrote it: no space taken away before a punctuation mark."""
    text: str = form.tokenizer.decode(
        response, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return form.answer(text.strip())


def _write(
    model: Any,
    queue: Sequence[Row],
    sampling: Sampling,
    ends: frozenset[int],
    decoding: Decoding,
    batch_size: int = 1,
) -> Iterator[list[Row]]:
    """Write responses; yields after each token the rows that have ended there."""
    decoder = Decoder(model, decoding, batch_size)
    waiting, rows = list(queue), list[Row]()
    while waiting or rows:
        coming = 0
        if decoder.takes_more or not rows:
            prompts = [row.prompt for row in waiting]
            coming = rows_to_admit(prompts, len(rows), batch_size)
        if coming:
            drawn, waiting = waiting[:coming], waiting[coming:]
            rows += drawn
            logits = decoder.admit([row.prompt for row in drawn])
        else:
            drawn = rows
            logits = decoder.step([row.response[-1] for row in rows])
        for row, token in zip(drawn, _next_tokens(model, drawn, logits, sampling), strict=True):
            if token not in ends:
                row.response.append(token)
            row.ended = token in ends or len(row.response) == sampling.max_new_tokens
        finished = [row for row in drawn if row.ended]
        if finished:
            kept = kept_order([not row.ended for row in rows])
            decoder.keep(kept)
            rows = [rows[place] for place in kept]
        yield finished


def _next_tokens(model: Any, rows: Sequence[Row], logits: Tensor, sampling: Sampling) -> list[int]:
    """Draw each row's next token; see the module's docstring for what happens at a close call."""
    tolerance = TOLERANCE if logits.dtype in (torch.float32, torch.float64) else 0.0

    def drawn(rows: Sequence[Row], logits: Tensor) -> Draw:
        keys = np.array([row.key for row in rows], dtype=np.uint64)
        positions = np.array([len(row.response) for row in rows])
        return draw(logits, keys, positions, sampling, tolerance)

    batch = drawn(rows, logits)
    tokens: list[int] = batch.tokens.tolist()
    for i in np.flatnonzero(~batch.settled).tolist():
        row = rows[i]
        alone = torch.tensor([[*row.prompt, *row.response]], device=logits.device)
        known = accepted(model, use_cache=False, logits_to_keep=1)
        output = model(input_ids=alone, **known)
        tokens[i] = int(drawn([row], output.logits[:, -1]).tokens[0])
    return tokens


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
