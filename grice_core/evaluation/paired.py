"""Two models on the same prompts: what changed, and whether that could be chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.errors import DataError
from grice_core.evaluation.intervals import Interval, paired_interval
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel


@dataclass(frozen=True)
class Transitions:
    """What became of the responses, prompt by prompt; counts, adding up to all responses.

    For `cooperative`, "violated" means that some maxim is.
    """

    fixed: int
    """Violated before, fine after."""
    broken: int
    """Fine before, violated after."""
    still_violated: int
    still_fine: int


@dataclass(frozen=True)
class PairedChange:
    """How one measure changed from one model to another, over the prompts that both answered."""

    measure: str
    before: str
    after: str
    num_prompts: int
    change: float
    """Rate after − rate before, as a fraction."""
    interval: Interval
    p_value: float
    """Two-sided, not corrected for the other tests."""
    prompts_up: int
    """Prompts whose rate rose."""
    prompts_down: int
    """Prompts whose rate fell."""
    mean_size: float
    """Mean |change| of the prompts that changed; 1 with one response per prompt."""
    transitions: Transitions


def paired_changes(before: EvaluatedModel, after: EvaluatedModel) -> dict[str, PairedChange]:
    """The change of each measure from one model to the other.

    Raises:
        DataError: The models have no prompt in common, or differ in responses per prompt.
    """
    prompts = [prompt for prompt in before.rows_of_prompt if prompt in after.rows_of_prompt]
    if reason := incomparable(before.prompts, after.prompts):
        raise DataError(
            f"{before.name} and {after.name} have {reason}: evaluate both on the same file with the same "
            "seed and the same number of responses per prompt"
        )
    first, second = before.outcomes_of(prompts), after.outcomes_of(prompts)
    return {
        measure: _change(measure, (before.name, after.name), first[..., m], second[..., m])
        for m, measure in enumerate(MEASURES)
    }


def incomparable(before: Sequence[str], after: Sequence[str]) -> str | None:
    """What two models' answers have that speaks against pairing them, given the prompt of each answer."""
    if not set(before) & set(after):
        return "no evaluation prompt in common"
    counts = [len(prompts) // len(set(prompts)) for prompts in (before, after)]
    if counts[0] != counts[1]:
        return f"{counts[0]} and {counts[1]} responses per prompt"
    return None


def sign_test(up: int, down: int) -> float:
    """Two-sided exact p-value of "as many prompts rise as fall".

    With one response per prompt this is McNemar's exact test.

    Source: McNemar 1947 (doi 10.1007/BF02295996).
    """
    from scipy.stats import binomtest  # half a second to load, which most processes never need

    changed = up + down
    return float(binomtest(up, changed, 0.5).pvalue) if changed else 1.0


def _change(
    measure: str, names: tuple[str, str], before: FloatArray, after: FloatArray
) -> PairedChange:
    """One measure's change; (M, k) outcomes of the same prompts, and samples with the same noise."""
    differences = after.mean(axis=1) - before.mean(axis=1)
    up, down = int((differences > 0).sum()), int((differences < 0).sum())
    return PairedChange(
        measure=measure,
        before=names[0],
        after=names[1],
        num_prompts=len(differences),
        change=float(differences.mean()),
        interval=paired_interval(differences, before.shape[1]),
        p_value=sign_test(up, down),
        prompts_up=up,
        prompts_down=down,
        mean_size=float(np.abs(differences).sum()) / (up + down) if up + down else 1.0,
        transitions=_transitions(measure, before == 1, after == 1),
    )


def _transitions(measure: str, before: BoolArray, after: BoolArray) -> Transitions:
    bad_before, bad_after = (~before, ~after) if measure == COOPERATIVE else (before, after)
    return Transitions(
        fixed=int((bad_before & ~bad_after).sum()),
        broken=int((~bad_before & bad_after).sum()),
        still_violated=int((bad_before & bad_after).sum()),
        still_fine=int((~bad_before & ~bad_after).sum()),
    )
