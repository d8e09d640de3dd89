"""What persons' judgements say about a pipeline, beside what the detector says."""

import streamlit as st

from app.app_pages.compare.comparison_tables import TONES
from app.app_pages.compare.judging import judged_by_persons
from app.state.evaluations import EvaluatedPipeline
from app.text.formatting import plain_markdown, stage_title
from app.ui.number_table import Cell, number_table
from grice_core.evaluation.stored import StoredEvaluation
from grice_core.evaluation.true_rates import TrueRates, true_rates
from grice_core.evaluation.true_rows import TrueRow, true_rows, verdict_sentence


def rates_by_judgements(pipeline: EvaluatedPipeline, stored: StoredEvaluation) -> TrueRates | None:
    """What persons' judgements make of a pipeline's rates; None before the first."""
    judged = judged_by_persons(pipeline.run_id, stored.models)
    if not judged.answers:
        return None
    # The page is seen after each judgement, so its intervals have to hold at every look.
    return true_rates(stored.models, judged.labels, stored.config, at_every_look=True)


def gold_view(
    pipeline: EvaluatedPipeline, stored: StoredEvaluation, found: TrueRates | None
) -> None:
    """The verdict that rests on judgements, and the rates that they correct; nothing before the first."""
    if found is None:
        return
    st.markdown(f"**{plain_markdown(verdict_sentence(found, stored))}**")
    if found.rates:
        titles = ("", *map(stage_title, found.rates), "change")
        rows = [_row(row) for row in true_rows(found, list(found.rates))]
        number_table(titles, rows, key=f"true rates {pipeline.id}")
        st.caption(plain_markdown(found.note))


def _row(row: TrueRow) -> list[Cell]:
    *rates, change = row.words()
    cells = [Cell(*pair) for pair in rates]
    return [Cell(row.measure), *cells, Cell(*change, TONES[row.colour])]
