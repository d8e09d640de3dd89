"""How strongly each pair passes a rule: the number that the rule's threshold is compared with."""

import numpy as np

from grice_core.data.filters import AnyAbsRule, SumRule
from grice_core.data.pairs import FloatArray

ThresholdRule = AnyAbsRule | SumRule


def strength(rule: ThresholdRule, margins: FloatArray) -> FloatArray:
    """(N,) what must exceed `rule.above` for the rule to keep a pair; (N, 4) data margins, NaN stays."""
    columns = [margins[:, maxim.column] for maxim in rule.maxims]
    if isinstance(rule, SumRule):
        return np.asarray(sum(columns[1:], start=columns[0]))
    return np.asarray(np.max(np.abs(columns), axis=0))


def strength_range(rule: ThresholdRule) -> tuple[float, float]:
    """The smallest and the largest strength that margins in [-1, 1] can give."""
    if isinstance(rule, SumRule):
        return -float(len(rule.maxims)), float(len(rule.maxims))
    return 0.0, 1.0
