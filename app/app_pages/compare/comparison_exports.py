"""Downloads of a comparison."""

import json
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from app.app_pages.compare.comparing import evaluation_of
from app.app_pages.compare.gold_view import rates_by_judgements
from app.state.evaluations import EvaluatedPipeline, adapter_stages, zipped_adapter
from app.state.session import studio
from grice_core.evaluation.corrected_card import corrected_card
from grice_core.evaluation.exports import comparison_csv, comparison_latex
from grice_core.evaluation.overview import PipelineView
from grice_core.evaluation.report import html_report
from grice_core.evaluation.results import RESULTS_FILE, guide_results
from grice_core.evaluation.text_exports import texts_csv, texts_latex
from grice_core.evaluation.text_rows import HEADING
from grice_core.evaluation.true_rates import TrueRates


def comparison_exports(
    pipeline: EvaluatedPipeline,
    view: PipelineView,
    colours: Sequence[str],
    by_labels: TrueRates | None,
) -> None:
    """A menu; each file is made when it is asked for."""
    models = view.stored.models
    with st.popover("Export", icon=":material/download:"):
        if view.stored.is_rejudged:
            st.caption("Rates use the thresholds changed here.")
        _offer(
            "Report, one page (HTML)",
            lambda: html_report(view, pipeline.title, colours, by_labels),
            f"report-{pipeline.id}.html",
            "text/html",
        )
        _offer(
            "Results (JSON)",
            lambda: json.dumps(guide_results(models), indent=2),
            RESULTS_FILE,
            "application/json",
        )
        _offer(
            "All rates and changes (CSV)",
            lambda: comparison_csv(view),
            f"comparison-{pipeline.id}.csv",
            "text/csv",
        )
        _offer(
            "Table for a paper (LaTeX)",
            lambda: comparison_latex(view, by_labels),
            f"comparison-{pipeline.id}.tex",
            "text/x-tex",
        )
        _offer(
            f"{HEADING} (CSV)",
            lambda: texts_csv(view.texts),
            f"texts-{pipeline.id}.csv",
            "text/csv",
        )
        _offer(
            f"{HEADING}, tables for a paper (LaTeX)",
            lambda: texts_latex(view.texts),
            f"texts-{pipeline.id}.tex",
            "text/x-tex",
        )
        kept = adapter_stages(studio(), pipeline.run_id)
        for stage in (model.name for model in models if model.name in kept):
            _offer(
                f"Adapter of {stage} with its card (zip)",
                partial(_zipped, pipeline, stage),
                f"{stage}-adapter.zip",
                "application/zip",
            )
        st.caption("As a whole model, for llama.cpp, or onto the hub: the view *Models* below.")


def _zipped(pipeline: EvaluatedPipeline, stage: str) -> bytes:
    """A stage's adapter; its card tells of judgements too.

    As the rest of the card, by the thresholds that the pipeline went by, whatever the page shows.
    """
    evaluation = evaluation_of(pipeline)
    by_labels = rates_by_judgements(pipeline, evaluation)

    def rewritten(card: str) -> str:
        return corrected_card(card, by_labels, evaluation, stage) if by_labels else card

    return zipped_adapter(studio(), pipeline.run_id, stage, rewritten)


def _offer(label: str, make: Callable[[], str | bytes], file_name: str, mime: str) -> None:
    st.download_button(
        label, make, file_name, mime, on_click="ignore", type="tertiary", key=f"export {file_name}"
    )
