"""Conflicts as a table."""

import numpy as np

from app.app_pages.data.conflicts import conflict_rows


def test_counts_stand_beside_their_names_and_the_diagonal_is_empty() -> None:
    rows = conflict_rows(np.arange(16).reshape(4, 4) * 1000)

    assert [cell.text for cell in rows[3]] == ["better on manner", "12,000", "13,000", "14,000", ""]
