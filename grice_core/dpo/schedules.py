"""What changes from step to step: learning rate, beta, and which pairs are seen."""

import math

import numpy as np

from grice_core.data.pairs import IntArray
from grice_core.recipes.config import BetaRamp, StageConfig


def num_warmup_steps(config: StageConfig, num_steps: int) -> int:
    """Steps of the warm-up: the recipe's number, at most its share of all steps."""
    return min(config.warmup_steps, math.floor(config.max_warmup_share * num_steps))


def learning_rate(config: StageConfig, step: int, num_steps: int) -> float:
    """Rate of a step (counted from 0): linear warm-up, then linear decay towards 0.

    No step has rate 0: the warm-up's first is 1/warm-up of the peak, the last of all
    1/(steps − warm-up), so that every step of a short stage teaches something.
    """
    warmup = num_warmup_steps(config, num_steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    return config.learning_rate * (num_steps - step) / (num_steps - warmup)


def beta_at(config: StageConfig, step: int, num_steps: int) -> float:
    """Beta of a step (counted from 0): constant, or from start to end over the warm-up."""
    if not isinstance(config.beta, BetaRamp):
        return config.beta
    warmup = num_warmup_steps(config, num_steps)
    way = min(step / warmup, 1.0) if warmup else 1.0
    return config.beta.start + way * (config.beta.end - config.beta.start)


def final_beta(config: StageConfig) -> float:
    """Beta once its ramp is over."""
    return config.beta.end if isinstance(config.beta, BetaRamp) else config.beta


def step_batches(num_pairs: int, pairs_per_step: int, num_steps: int, seed: int) -> list[IntArray]:
    """Which pairs each optimizer step sees, as indices into the training pairs.

    Every epoch is its own permutation, drawn from (seed, epoch), and ends with a smaller step if
    the pairs don't divide evenly; so the order never depends on how pairs fit into memory.
    """
    batches: list[IntArray] = []
    epoch = 0
    while len(batches) < num_steps:
        order = np.random.default_rng([seed, epoch]).permutation(num_pairs)
        batches.extend(np.split(order, range(pairs_per_step, num_pairs, pairs_per_step)))
        epoch += 1
    return batches[:num_steps]
