"""How far an interval has to reach so that one may look after each label and stop when one likes.

A 95 % interval holds the truth in 95 of 100 experiments at one look that was planned. A person who looks
after each label and stops at the first interval that decides is wrong more often. The intervals of a
*confidence sequence* hold the truth at all looks together with 95 %, whenever one stops.

An estimate of growing information behaves as a Brownian motion that is seen at the information so far
(Scharfstein, Tsiatis, Robins 1997, doi 10.1080/01621459.1997.10473655), so a boundary of Brownian motion
serves, asymptotically (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024, arXiv 2103.06476). This one is
Robbins' two-sided normal mixture, as in Howard, Ramdas, McAuliffe, Sekhon 2021 (arXiv 1810.08240, section 3).
"""

import math

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.intervals import CONFIDENCE

TIGHTEST_AT = 50
"""Labelled prompts at which the sequence is as narrow as it can be made."""
_ALPHA = 1 - CONFIDENCE


def mixture_width(tightest_at: float) -> float:
    """ρ of the mixture that is narrowest at this amount of information."""
    twice = 2 * math.log(1 / _ALPHA)
    return tightest_at / (twice + math.log(1 + twice))


def normal_mixture(information: FloatArray, tightest_at: float) -> FloatArray:
    """What a Brownian motion exceeds, in either direction and ever, in 5 of 100 cases."""
    rho = mixture_width(tightest_at)
    total = information + rho
    return np.asarray(np.sqrt(total * np.log(total / (rho * _ALPHA**2))))


def sequence_quantile(num_labels: FloatArray) -> FloatArray:
    """What takes the place of the normal quantile, 1.96, in an interval that one looks at after each label."""
    return np.asarray(normal_mixture(num_labels, TIGHTEST_AT) / np.sqrt(num_labels))
