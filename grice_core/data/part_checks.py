"""When to give up on a file while it is read: what comes can't make it good, or costs too much."""

from collections.abc import Collection, Iterable, Sequence

from grice_core.data.bounds import check_fields
from grice_core.data.fields import require_fields
from grice_core.data.pairs import TEXT_FIELDS
from grice_core.data.parts import Part
from grice_core.data.source import Limits
from grice_core.errors import DataError

_UNUSABLE_PER_USABLE = 4


def check_parts(name: str, names: Collection[str], parts: Sequence[Part], limits: Limits) -> None:
    """Look at the parts of a file so far, whose fields have these names.

    Raises:
        DataError: they have too many fields for what stands in them, or hardly a row that can be used.
    """
    extras = {extra for part in parts for extra in part.extras}
    check_fields(name, {*names, *extras})
    num_usable = sum(len(part.rows) for part in parts)
    check_fields(name, extras, num_usable, sum(part.num_extra_cells for part in parts))
    num_unusable = sum(part.num_unusable for part in parts)
    if num_unusable > max(limits.max_unusable, _UNUSABLE_PER_USABLE * num_usable):
        require_text_fields(name, names, parts)
        raise _hardly_usable(name, parts, num_usable + num_unusable)


def require_text_fields(name: str, names: Iterable[str], parts: Sequence[Part]) -> None:
    """Check that prompt, chosen and rejected are there.

    Raises:
        DataError: one is not.
    """
    # Conversations may begin with their prompt, so a field only lacks if no row got a text for it.
    found: set[str] = set().union(*(part.fields for part in parts))
    require_fields(name, list(names), [field for field in TEXT_FIELDS if field not in found])


def _hardly_usable(name: str, parts: Sequence[Part], num_rows: int) -> DataError:
    counts = {
        kind: sum(len(part.error_rows[kind]) for part in parts) for kind in parts[0].error_rows
    }
    worst = max(counts, key=lambda kind: counts[kind])
    return DataError(
        f"{name} has hardly a row that can be used: in {counts[worst]:,} of the first {num_rows:,} "
        f"{worst.message}; {worst.fix}"
    )
