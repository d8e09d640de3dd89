"""Evaluations opened and compared once for all sessions, by the addresses of what they left."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from app.state.evaluations import EvaluatedPipeline, open_evaluation, output_of
from app.state.session import studio
from grice_core.errors import GriceError
from grice_core.evaluation.overview import Overview, overview
from grice_core.evaluation.paired import incomparable
from grice_core.evaluation.stored import StoredEvaluation, rejudged
from grice_core.store import generations

BASELINE = "baseline"
_ASKED_S = 30
"""For so long what was asked is taken as known; an evaluation may be done again."""

Thresholds = tuple[float, ...]
"""Four, in the order of `MAXIMS`."""


def evaluation_of(pipeline: EvaluatedPipeline) -> StoredEvaluation:
    """What a pipeline's evaluation left, judged by the detector's own thresholds."""
    return _opened(output_of(studio(), pipeline.run_id))


def compared(pipelines: Sequence[EvaluatedPipeline], thresholds: Thresholds) -> Overview:
    """Pipelines beside each other, all judged by these thresholds."""
    addresses = tuple(
        (output_of(studio(), pipeline.run_id), f"pipeline {pipeline.id}") for pipeline in pipelines
    )
    return _compared(addresses, thresholds)


def openable(
    pipelines: Sequence[EvaluatedPipeline],
) -> tuple[list[EvaluatedPipeline], list[str]]:
    """Those whose evaluations can be read, and why the others can't."""
    found, reasons = [], []
    for pipeline in pipelines:
        try:
            evaluation_of(pipeline)
        except GriceError as error:
            reasons.append(f"Pipeline {pipeline.id} is left out: {error}")
        else:
            found.append(pipeline)
    return found, reasons


def incomparable_with(
    chosen: EvaluatedPipeline, others: Sequence[EvaluatedPipeline]
) -> dict[int, str]:
    """By pipeline, why its answers can't be paired with those of the chosen one, where they can't."""
    prompts = _asked((chosen.run_id, *(other.run_id for other in others)))
    of_chosen = prompts.get(chosen.run_id)
    reasons: dict[int, str] = {}
    for other in others:
        of_other = prompts.get(other.run_id)
        # Where nothing is stored of what was asked, the files decide.
        if of_chosen and of_other and (reason := incomparable(of_chosen, of_other)):
            reasons[other.id] = reason
    return reasons


@st.cache_data(max_entries=8, ttl=_ASKED_S, show_spinner=False)
def _asked(run_ids: tuple[int, ...]) -> dict[int, list[str]]:
    return generations.asked(studio().database, run_ids, BASELINE)


@st.cache_resource(max_entries=32, show_spinner="Opening answers …")
def _opened(address: str) -> StoredEvaluation:
    return open_evaluation(studio(), address)


@st.cache_resource(max_entries=16, show_spinner="Comparing answers …")
def _compared(addresses: tuple[tuple[str, str], ...], thresholds: Thresholds) -> Overview:
    """Of the evaluations at some addresses, each with what to call it."""
    wanted = np.array(thresholds)
    return overview(
        [replace(rejudged(_opened(address), wanted), label=name) for address, name in addresses]
    )
