"""What names, docs and pages say of each objective; what it computes is tested with the loss."""

from pathlib import Path

import pytest

from grice_core.objectives import OBJECTIVES, Dpo, Robust, objective

DOCS = Path(__file__).parents[1] / "docs" / "recipes.md"


def test_an_objective_is_made_from_the_settings_that_it_takes() -> None:
    assert objective("robust", label_smoothing=0.1) == Robust(label_smoothing=0.1)
    assert objective("dpo", label_smoothing=None) == Dpo()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_docs_show_each_objective_as_it_shows_itself(name: str) -> None:
    kind = OBJECTIVES[name]
    row = next(line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{name}`"))
    assert row.endswith(f"| `{kind.equation}` | {kind.source} |")
    assert all(f"`{setting}`" in DOCS.read_text() for setting in kind.settings())
