"""What a stage would learn: mean ± sd of each data margin in the kept pairs, and the sign it needs."""

import pandas as pd

from app.wording import number, signed
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import StageConfig
from grice_core.recipes.summary import MarginSummary, StageSummary


def margin_table(stage: StageConfig, summary: StageSummary) -> pd.DataFrame:
    """One row per maxim: mean ± sd, and whether a maxim that is trained on points the right way."""
    weights = stage.weights.as_array()
    rows = [
        (
            maxim.value,
            _mean_sd(summary.margins[maxim]),
            _verdict(summary.margins[maxim]) if weights[maxim.column] > 0 else "not trained here",
        )
        for maxim in MAXIMS
    ]
    return pd.DataFrame(rows, columns=["maxim", "mean ± sd", "expected: positive"]).set_index(
        "maxim"
    )


def _mean_sd(margin: MarginSummary) -> str:
    if margin.mean is None or margin.std is None:
        return "–"
    return f"{signed(margin.mean)} ± {number(margin.std)}"


def _verdict(margin: MarginSummary) -> str:
    if margin.mean is None:
        return "no pairs"
    return "✓ yes" if margin.mean > 0 else "✗ no"
