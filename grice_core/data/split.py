"""Held-out pairs: chosen by prompt, so that no prompt is both trained on and watched."""

import hashlib
from collections.abc import Sequence

import numpy as np

from grice_core.data.pairs import BoolArray
from grice_core.data.prompts import normalise_prompt


def holdout_mask(prompts: Sequence[str], share: float, seed: int) -> BoolArray:
    """(N,) which pairs are held out: those whose prompt's hash falls into the lowest `share`.

    The answer for a prompt depends on nothing but the seed and its normalised text, neither on its
    place nor on the other prompts. So pairs of one prompt stay together, and data that grows keeps
    its split. The share is that of distinct prompts, and met on average, not exactly.
    """
    held_out = {prompt: _position(prompt, seed) < share for prompt in set(prompts)}
    return np.fromiter((held_out[prompt] for prompt in prompts), np.bool_, len(prompts))


def _position(prompt: str, seed: int) -> float:
    """Where the hash of (seed, prompt) lies in [0, 1)."""
    digest = hashlib.sha256(f"{seed}\n{normalise_prompt(prompt)}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
