"""Models whose violations are written down by hand."""

from collections.abc import Sequence

import numpy as np

from grice_core.evaluation.violations import EvaluatedModel


def judged(name: str, violations: Sequence[str], prompts: Sequence[str] = ()) -> EvaluatedModel:
    """A model from one word per response: the initials of the maxims it violates, `-` for none.

    `["-", "qm"]`: the first response is cooperative, the second violates quantity and manner.
    The initials are q(uantity), t(rue, for quality), r(elation) and m(anner).
    """
    scores = [[0.9 if initial in word else 0.1 for initial in "qtrm"] for word in violations]
    return EvaluatedModel(
        name=name,
        prompts=list(prompts) or [f"prompt {i}" for i in range(len(violations))],
        responses=[f"{name} {i}" for i in range(len(violations))],
        scores=np.array(scores),
        thresholds=np.full(4, 0.5),
    )
