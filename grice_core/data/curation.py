"""Which pairs of a data set were excluded, and why; each change gives a new version of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from grice_core.data.pairs import BoolArray, PairTable


@dataclass(frozen=True)
class Exclusion:
    """Pairs that were excluded together."""

    rows: tuple[int, ...]
    """Their 1-based rows in the original file."""
    reason: str
    by: str = ""
    """Who excluded them; empty: not known."""


@dataclass(frozen=True)
class Origin:
    """The data set as it was uploaded, which all versions are made from."""

    name: str
    sha256: str
    """Of the uploaded file's content."""
    artifact_sha256: str
    """Of all its pairs as columns: what is excluded is restored from there."""
    num_rows: int


@dataclass(frozen=True)
class Curation:
    """A version of a data set."""

    origin: Origin
    version: int = 1
    """1 is the original."""
    made_from: str = ""
    """What the version before is called; empty: this is the original."""
    exclusions: tuple[Exclusion, ...] = ()

    @property
    def reasons(self) -> dict[int, Exclusion]:
        """By excluded row: why it is."""
        return {row: one for one in self.exclusions for row in one.rows}

    def kept(self, whole: PairTable) -> BoolArray:
        """(N,) which of the original's pairs this version holds."""
        mask: BoolArray = ~np.isin(whole.rows, sorted(self.reasons))
        return mask

    def excluding(self, reasons: Mapping[int, str], by: str, made_from: str) -> Self:
        """The next version, without these rows; those that are excluded already keep their reason.

        Args:
            reasons: by row, why it is excluded.
        """
        by_reason: dict[str, list[int]] = {}
        for row in sorted(reasons.keys() - self.reasons.keys()):
            by_reason.setdefault(" ".join(reasons[row].split()), []).append(row)
        added = (Exclusion(tuple(rows), reason, by) for reason, rows in by_reason.items())
        return self._next((*self.exclusions, *added), made_from)

    def restoring(self, rows: Iterable[int], made_from: str) -> Self:
        """The next version, with these rows again."""
        back = set(rows)
        left = (
            Exclusion(tuple(row for row in one.rows if row not in back), one.reason, one.by)
            for one in self.exclusions
        )
        return self._next(tuple(one for one in left if one.rows), made_from)

    def _next(self, exclusions: tuple[Exclusion, ...], made_from: str) -> Self:
        return type(self)(self.origin, self.version + 1, made_from, exclusions)

    def document(self) -> dict[str, Any]:
        """As JSON, for `parse_curation`."""
        return {
            "version": self.version,
            "made_from": self.made_from,
            "origin": vars(self.origin),
            "excluded": [vars(one) | {"rows": list(one.rows)} for one in self.exclusions],
        }


def parse_curation(document: Mapping[str, Any]) -> Curation:
    """What `Curation.document` wrote."""
    return Curation(
        origin=Origin(**document["origin"]),
        version=int(document["version"]),
        made_from=str(document["made_from"]),
        exclusions=tuple(
            Exclusion(tuple(one["rows"]), one["reason"], one["by"]) for one in document["excluded"]
        ),
    )
