"""What is known of a detector: what to beware of, how well it judges, how it is read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from app.app_pages.detector.detector_download import detector_download
from app.app_pages.detector.detector_fit import CALIBRATE
from app.app_pages.detector.judge_tables import (
    AGREEMENT_TITLES,
    METRICS_TITLES,
    READING_TITLES,
    agreement_rows,
    metrics_rows,
    reading_rows,
)
from app.state.session import studio
from app.text.formatting import count_of, plain_markdown
from app.ui.number_table import number_table
from app.ui.theme import BASELINE_COLOUR, MAXIM_COLOURS
from grice_core.detector.record import DetectorRecord
from grice_core.maxims import MAXIMS
from grice_core.store.tables import Detector

_READING_PX, _AGREEMENT_PX = 380, 520
"""Two or three short numbers need no more."""


def detector_card(detector: Detector, show_view: Callable[..., None]) -> None:
    """The card: what to beware of, how well it judges, how it is read.

    Args:
        detector: whose card it is.
        show_view: shows another view of the page, given by its name, and for Train the way in which
            one is made; called before the page runs again.
    """
    record = DetectorRecord.model_validate(detector.card)
    _cautions(record)
    if record.metrics is None:
        st.markdown("**Not evaluated yet.**")
        st.button(
            "Evaluate it on labelled texts",
            icon=":material/fact_check:",
            on_click=show_view,
            args=("Evaluate",),
        )
    else:
        st.markdown(
            f"**Evaluated** on {count_of(record.metrics.num_texts, 'labelled text')}, "
            "with 95 % intervals:"
        )
        number_table(METRICS_TITLES, metrics_rows(record.metrics), key="metrics")
        if record.metrics.cooperative is not None:
            st.caption(f"Texts as a whole, {record.metrics.cooperative.words}.")
        if record.metrics_note:
            st.caption(plain_markdown(record.metrics_note))
        _reliability(detector)
    if record.agreement is not None:
        st.markdown("**Agreement with its teacher** on held-out prompts:")
        with st.container(width=_AGREEMENT_PX):
            number_table(AGREEMENT_TITLES, agreement_rows(record.agreement), key="agreement")
        st.caption(
            "Rank correlation and mean absolute difference of the probabilities; no labels involved."
        )
    st.markdown("**Calibration and thresholds**")
    with st.container(width=_READING_PX):
        number_table(READING_TITLES, reading_rows(record), key="reading")
    st.button(
        "Calibrate it on labelled texts",
        icon=":material/tune:",
        on_click=show_view,
        args=("Train", CALIBRATE),
    )
    st.caption(f"Origin: {plain_markdown(record.origin)}")
    detector_download(detector)


def _cautions(record: DetectorRecord) -> None:
    if record.metrics is not None and record.metrics.weak_maxims:
        weak = ", ".join(record.metrics.weak_maxims)
        st.warning(
            f"**A weak judge of {weak}**: on these labels it is no better than chance. Its "
            "verdicts there mean little: train or calibrate it on more labels.",
            icon=":material/warning:",
        )
    if record.metrics is not None and record.metrics.unmeasured_maxims:
        reasons = record.metrics.unmeasured_maxims.items()
        st.warning(
            f"**Not measured**: {'; '.join(f'{maxim}, since {why}' for maxim, why in reasons)}. "
            "Evaluate it on texts of both kinds.",
            icon=":material/warning:",
        )
    if record.metrics is not None and record.metrics.harshness:
        st.warning(
            f"**Too harsh**: {record.metrics.harshness}. Train it on more texts without a violation, or "
            "calibrate it for a higher precision.",
            icon=":material/warning:",
        )
    if record.remarks:
        bullet = "- " if len(record.remarks) > 1 else ""
        remarks = [f"{bullet}{plain_markdown(remark)}" for remark in record.remarks]
        st.info("\n".join(remarks), icon=":material/info:")


def _reliability(detector: Detector) -> None:
    """The reliability diagrams, if the detector has been evaluated."""
    entries = studio().artifacts.folder(detector.artifact_sha256)
    found = next((one for one in entries if Path(one.path).name == "reliability.json"), None)
    if found is None:
        return
    st.markdown(
        "**Reliability.** On the dotted line, what it calls 70 % likely happens in 70 % of the cases."
    )
    document = json.loads(studio().artifacts.read(found.sha256))
    for index, place in enumerate(st.columns(len(MAXIMS))):
        place.plotly_chart(
            reliability_figure(document, index),
            key=f"reliability {index}",
            config={"displayModeBar": False},
            alt=f"Reliability diagram of {MAXIMS[index]}",
        )


def reliability_figure(document: dict[str, Any], maxim_number: int) -> go.Figure:
    """One maxim's panel of the diagram that `grice detector evaluate` leaves in the folder.

    Traces come in pairs: the diagonal, then the curve, for each maxim in order.
    """
    curve = document["data"][2 * maxim_number + 1]
    maxim = MAXIMS[maxim_number]
    figure = go.Figure(
        [
            go.Scatter(x=[0, 1], y=[0, 1], line={"color": BASELINE_COLOUR, "dash": "dot"}),
            go.Scatter(
                x=curve["x"],
                y=curve["y"],
                mode="lines+markers",
                line_color=MAXIM_COLOURS[maxim],
                hovertemplate="predicted %{x:.2f}, observed %{y:.2f}<extra></extra>",
            ),
        ]
    )
    figure.update_xaxes(range=[-0.03, 1.03], title="predicted probability", fixedrange=True)
    figure.update_yaxes(range=[-0.03, 1.03], title="observed rate", fixedrange=True)
    figure.update_layout(
        title=maxim.value,
        height=250,
        showlegend=False,
        margin={"l": 4, "r": 4, "t": 40, "b": 4},
    )
    return figure
