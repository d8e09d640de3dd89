"""Weighted preference training as one would write it on a blackboard: no sharing, no packing, no cache.

One pair at a time, one response at a time, the whole vocabulary at every position, and the
reference a second model. What the trainer does must equal this.
"""

import copy
import math
from collections.abc import Sequence

import torch
from peft import PeftModel

from grice_core.dpo.encode import EncodedPair


def response_logp(model: torch.nn.Module, prompt: Sequence[int], response: Sequence[int]):
    """log p(response | prompt), token by token."""
    ids = torch.tensor([[*prompt, *response]])
    logps = model(input_ids=ids).logits[0].log_softmax(dim=-1)
    total = torch.zeros(())
    for offset, token in enumerate(response):
        total = total + logps[len(prompt) + offset - 1, token]
    return total


def pair_loss(policy, frozen, pair: EncodedPair, weight: float, config):
    """weight · ℓ(Δ), and the chosen response's log-probability."""
    wanted = response_logp(policy, pair.prompt, pair.chosen)
    unwanted = response_logp(policy, pair.prompt, pair.rejected)
    with torch.no_grad():
        reference_wanted = response_logp(frozen, pair.prompt, pair.chosen)
        reference_unwanted = response_logp(frozen, pair.prompt, pair.rejected)
    gain, loss = wanted - reference_wanted, unwanted - reference_unwanted
    beta, per_token = config.beta, gain / len(pair.chosen) - loss / len(pair.rejected)
    if config.loss_type == "dpo":
        value = -torch.log(torch.sigmoid(beta * (gain - loss)))
    elif config.loss_type == "sigmoid_norm":
        value = -torch.log(torch.sigmoid(beta * per_token))
    elif config.loss_type == "ipo":
        value = torch.square(per_token - 0.5 / beta)
    else:
        flipped, p = config.label_smoothing, torch.sigmoid(beta * (gain - loss))
        value = flipped * torch.log(1 - p) - (1 - flipped) * torch.log(p)
        value = value / (1 - 2 * flipped)
    return weight * value, wanted


def train(policy: PeftModel, examples, config, batches) -> tuple[list[float], list[list]]:
    """Losses and clipped gradients of every optimizer step; the policy changes in place."""
    frozen = copy.deepcopy(policy)
    parameters = [p for p in policy.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1.0, weight_decay=config.weight_decay)
    num_steps = len(batches)
    warmup = min(config.warmup_steps, math.floor(0.1 * num_steps))
    losses, gradients = [], []
    for step, batch in enumerate(batches):
        total = 0.0
        num_tokens = sum(len(examples.pairs[index].chosen) for index in batch)
        for index in batch:
            weight = _weight(examples.margins[index], config)
            loss, chosen = pair_loss(policy, frozen, examples.pairs[index], weight, config)
            part = loss / len(batch) - config.sft_weight * chosen / num_tokens
            part.backward()
            total += part.item()
        torch.nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
        gradients.append([p.grad.clone() for p in parameters])
        if step < warmup:
            rate = config.learning_rate * (step + 1) / warmup
        else:
            rate = config.learning_rate * (num_steps - step) / (num_steps - warmup)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    return losses, gradients


def _weight(margins, config) -> float:
    w = config.weights
    weights = [w.quantity, w.quality, w.relation, w.manner]
    total = sum(wm * max(float(m), 0.01) for wm, m in zip(weights, margins, strict=True))
    return total / sum(weights)
