"""What rates don't say about the answers: length, how they end, repetition, diversity."""

import streamlit as st

from app.state.evaluations import EvaluatedPipeline
from app.text.formatting import plain_markdown, stage_title
from app.ui.number_table import Cell, number_table
from grice_core.evaluation.text_rows import (
    TextCell,
    TextRow,
    change_rows,
    change_titles,
    figure_rows,
    text_notes,
)
from grice_core.evaluation.texts import TextComparison


def texts_view(pipeline: EvaluatedPipeline, found: TextComparison) -> None:
    """Each model's answers, then how they differ."""
    names = [stage_title(model) for model in found.models]
    number_table(
        ("", *names),
        [[Cell(row.title), *map(_figure, row.cells)] for row in figure_rows(found)],
        key=f"texts {pipeline.id}",
    )
    st.markdown("**Changes**")
    titles = change_titles(found.changes, stage_title)
    number_table(("", *titles), _changes(found), key=f"text changes {pipeline.id}")
    _notes(found)


def between_texts(found: TextComparison, key: str) -> None:
    """How two pipelines' last models differ."""
    number_table(("", "change"), _changes(found), key=f"texts between {key}")
    _notes(found)


def _changes(found: TextComparison) -> list[list[Cell]]:
    return [_change_row(row) for row in change_rows(found)]


def _change_row(row: TextRow) -> list[Cell]:
    """Pale where the interval holds 0."""
    return [
        Cell(row.title),
        *(Cell(cell.text, cell.interval, "" if cell.is_change else "dim") for cell in row.cells),
    ]


def _figure(cell: TextCell) -> Cell:
    return Cell(cell.text, cell.interval)


def _notes(found: TextComparison) -> None:
    st.caption("  \n".join(map(plain_markdown, text_notes(found))))
