"""Evaluations opened and compared once for all sessions, by the addresses of what they left."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.state.evaluations import EvaluatedPipeline, open_evaluation, output_of
from app.state.session import studio
from grice_core.evaluation.overview import Overview, overview
from grice_core.evaluation.stored import StoredEvaluation, rejudged

Thresholds = tuple[float, ...]
"""Four, in the order of `MAXIMS`."""


def evaluation_of(pipeline: EvaluatedPipeline) -> StoredEvaluation:
    """What a pipeline's evaluation left, judged by the detector's own thresholds."""
    return _opened(output_of(studio(), pipeline.run_id))


def compared(pipelines: Sequence[EvaluatedPipeline], thresholds: Thresholds) -> Overview:
    """Pipelines beside each other, all judged by these thresholds."""
    addresses = tuple(output_of(studio(), pipeline.run_id) for pipeline in pipelines)
    return _compared(addresses, thresholds)


@st.cache_resource(max_entries=32, show_spinner="Opening answers …")
def _opened(address: str) -> StoredEvaluation:
    return open_evaluation(studio(), address)


@st.cache_resource(max_entries=16, show_spinner="Comparing answers …")
def _compared(addresses: tuple[str, ...], thresholds: Thresholds) -> Overview:
    wanted = np.array(thresholds)
    return overview([rejudged(_opened(address), wanted) for address in addresses])
