"""Where sampled pairs come from: written into each row, so that it goes wherever the pairs go, and read again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from grice_core.data.pairs import PairTable
from grice_core.data.texts import TEXT

_FIELDS = ("sampled_from", "weights_sha256", "judge", "sampling")
_DIGITS = 12
"""Of a hash, enough to tell it by."""


@dataclass(frozen=True)
class Origin:
    """Who wrote the answers, and who judged them."""

    model: str
    """The base and the stages merged into it."""
    weights_sha256: str
    judge: str
    """Its fingerprint."""

    def columns(self, sampling: Sequence[str]) -> dict[str, pa.Array]:
        """The fields of n pairs, given how each was sampled."""
        of_all = (self.model, self.weights_sha256, self.judge)
        columns = [*([text] * len(sampling) for text in of_all), sampling]
        return {name: pa.array(c, TEXT) for name, c in zip(_FIELDS, columns, strict=True)}


def name_of_model(base: str, stages: Iterable[str]) -> str:
    """The base by its hub id, or its folder by its own name, and the stages: `gpt2 + stage1`."""
    return " + ".join([Path(base).name if Path(base).is_dir() else base, *stages])


def origins_of(table: PairTable) -> list[str]:
    """How pairs of a table were sampled from a model, a sentence for each way; none of other pairs."""
    extras = table.extras
    if not set(_FIELDS) <= set(extras.column_names):
        return []
    fields = extras.select(_FIELDS)
    if not all(
        pa.types.is_large_string(kind) or pa.types.is_string(kind) for kind in fields.schema.types
    ):
        return []
    groups = fields.filter(pc.is_valid(fields["sampled_from"])).group_by(list(_FIELDS))
    return [
        f"{row['count_all']:,} pairs sampled from {row['sampled_from']} (weights {row['weights_sha256'][:_DIGITS]}), "
        f"judged by the detector {row['judge'][:_DIGITS]}: {row['sampling']}"
        for row in groups.aggregate([([], "count_all")]).to_pylist()
    ]
