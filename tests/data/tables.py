"""Pair tables made by hand."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from grice_core.data.extras import no_extras
from grice_core.data.pairs import PairTable
from grice_core.maxims import MAXIMS

UNSCORED = (np.nan,) * 4


def table_of(
    margins: Sequence[Sequence[float]],
    prompts: Sequence[str] | None = None,
    extras: pa.Table | None = None,
) -> PairTable:
    """Pairs with these data margins (quantity, quality, relation, manner), scored around 0.5."""
    half = np.array(margins, dtype=np.float64).reshape(-1, len(MAXIMS)) / 2
    numbers = range(1, len(half) + 1)
    return PairTable(
        texts=pa.table(
            {
                "prompt": pa.array(prompts or [f"prompt {n}" for n in numbers], pa.string()),
                "chosen": pa.array([f"chosen {n}" for n in numbers], pa.string()),
                "rejected": pa.array([f"rejected {n}" for n in numbers], pa.string()),
            }
        ),
        chosen_scores=0.5 - half,
        rejected_scores=0.5 + half,
        rows=np.arange(1, len(half) + 1),
        extras=extras if extras is not None else no_extras(len(half)),
    )
