"""What a file's shape may cost, counted before any work is done for it.

Reading takes time and memory by the cell: a row that lacks a field has a cell for it all the same, and a
file of a few bytes can ask for more cells than there is memory.
"""

from collections.abc import Collection

from grice_core.errors import DataError

MAX_FIELDS = 1000
_FEW_FIELDS = 64
"""So many may be empty almost everywhere."""
_EMPTY_CELLS = 5_000_000
_EMPTY_PER_FILLED = 4


def check_fields(
    where: str, names: Collection[str], num_rows: int = 0, num_filled: int = 0
) -> None:
    """Refuse objects whose keys are no fields: each would become a column as long as the file.

    Args:
        num_filled: values in these rows' fields.

    Raises:
        DataError: there are too many fields, or a name is not Unicode.
    """
    if len(names) > MAX_FIELDS:
        raise DataError(
            f"{where} has more than {MAX_FIELDS:,} different fields; keep those that a pair needs"
        )
    num_empty = len(names) * num_rows - num_filled
    if len(names) > _FEW_FIELDS and num_empty > _EMPTY_CELLS + _EMPTY_PER_FILLED * num_filled:
        raise DataError(
            f"{where} has {len(names):,} different fields, of which a row has "
            f"{num_filled / num_rows:.1f} on average; keep those that a pair needs, or put the others "
            "into one field as an object"
        )
    for name in names:
        _check_name(where, name)


def _check_name(where: str, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"{where} has a field named {shortened(ascii(name))}, which holds half of a character "
            "(an unpaired surrogate); rename it"
        ) from None


def shortened(text: str, limit: int = 40) -> str:
    """A text of any length as messages show it."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
