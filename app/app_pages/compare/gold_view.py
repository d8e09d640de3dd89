"""What persons' judgements say about a pipeline, beside what the detector says."""

import streamlit as st

from app.app_pages.compare.judging import judged_by_persons
from app.state.evaluations import EvaluatedPipeline
from app.text.formatting import plain_markdown, stage_title
from app.ui.number_table import Cell, number_table
from grice_core.evaluation.overview import PipelineView
from grice_core.evaluation.true_rates import (
    TrueFigure,
    TrueRates,
    change_words,
    rate_words,
    true_rates,
)
from grice_core.evaluation.verdict import judge
from grice_core.evaluation.violations import COOPERATIVE, MEASURES


def rates_by_judgements(pipeline: EvaluatedPipeline, view: PipelineView) -> TrueRates | None:
    """What persons' judgements make of a pipeline's rates; None before the first."""
    judged = judged_by_persons(pipeline.run_id, view.stored.models)
    if not judged.answers:
        return None
    # The page is seen after each judgement, so its intervals have to hold at every look.
    return true_rates(view.stored.models, judged.labels, view.stored.config, at_every_look=True)


def gold_view(pipeline: EvaluatedPipeline, view: PipelineView, found: TrueRates | None) -> None:
    """The verdict that rests on judgements, and the rates that they correct; nothing before the first."""
    if found is None:
        return
    by_detector = judge(view.stored.models, view.stored.config).state
    st.markdown(f"**{plain_markdown(found.sentence(by_detector))}**")
    if found.rates:
        titles = ("", *map(stage_title, found.rates), *(["change"] if found.changes else []))
        number_table(titles, _rows(found), key=f"true rates {pipeline.id}")
        st.caption(plain_markdown(found.note))


def _rows(found: TrueRates) -> list[list[Cell]]:
    rows = []
    for measure in MEASURES:
        cells = [Cell(*rate_words(of[measure])) for of in found.rates.values()]
        if found.changes:
            cells.append(_change(measure, found.changes[measure]))
        rows.append([Cell(measure), *cells])
    return rows


def _change(measure: str, figure: TrueFigure) -> Cell:
    """Green or red where the whole interval says so."""
    good = figure.interval.high < 0 if measure != COOPERATIVE else figure.interval.low > 0
    bad = figure.interval.low > 0 if measure != COOPERATIVE else figure.interval.high < 0
    return Cell(*change_words(figure), "good" if good else "bad" if bad else "")
