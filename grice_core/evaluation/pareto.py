"""Models that no other model beats."""

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray


def pareto_front(rates: FloatArray) -> BoolArray:
    """(N,) which of N models are on the front.

    A model is beaten if another one is at least as good on every measure and better on one.

    Args:
        rates: (N, D) violation rates; lower is better.
    """
    no_worse = (rates[:, None, :] <= rates[None, :, :]).all(axis=2)
    better = (rates[:, None, :] < rates[None, :, :]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))
