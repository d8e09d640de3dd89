"""What is known of a detector: how it reads and is read, how well it judges, what to beware of."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.session import studio
from app.theme import BASELINE_COLOUR, MAXIM_COLOURS
from app.wording import number, plain_markdown
from grice_core.detector.metrics import Estimate, Metrics
from grice_core.detector.record import DetectorRecord
from grice_core.maxims import MAXIMS
from grice_core.store.tables import Detector


def detector_card(record: DetectorRecord) -> None:
    """The card, warnings first."""
    if record.metrics is not None and record.metrics.weak_maxims:
        weak = ", ".join(record.metrics.weak_maxims)
        st.warning(
            f"**A weak judge of {weak}**: it can't be told from a coin well enough. Verdicts on "
            "this maxim mean little; train or calibrate it on more labels.",
            icon=":material/warning:",
        )
    for remark in record.remarks:
        st.info(plain_markdown(remark), icon=":material/info:")
    st.text(f"Origin: {record.origin}")
    left, right = st.columns(2)
    with left:
        st.markdown("**How it is read**")
        st.table(settings_table(record))
    with right:
        if record.metrics is None:
            st.caption("Not measured yet: evaluate it on labelled texts.")
        else:
            st.markdown(f"**How well it judges** {record.metrics.num_texts:,} labelled texts")
            st.table(metrics_table(record.metrics))


def settings_table(record: DetectorRecord) -> pd.DataFrame:
    """Temperature and threshold of each maxim."""
    rows = [
        (number(getattr(record.temperatures, maxim)), number(getattr(record.thresholds, maxim)))
        for maxim in MAXIMS
    ]
    names = [maxim.value for maxim in MAXIMS]
    return pd.DataFrame(rows, index=names, columns=["temperature", "violated above"])


def metrics_table(metrics: Metrics) -> pd.DataFrame:
    """The figures of each maxim, with their intervals."""
    rows = []
    for maxim in MAXIMS:
        one = metrics.maxims[maxim]
        figures = (one.f1, one.precision, one.recall, one.auroc, one.ece)
        rows.append((f"{one.support:,}", *(_with_interval(figure) for figure in figures)))
    columns = ["violated", "F1", "precision", "recall", "AUROC", "ECE"]
    return pd.DataFrame(rows, index=[maxim.value for maxim in MAXIMS], columns=columns)


def reliability(detector: Detector) -> None:
    """The reliability diagrams, if the detector has been evaluated."""
    entries = studio().artifacts.folder(detector.artifact_sha256)
    found = next((one for one in entries if Path(one.path).name == "reliability.json"), None)
    if found is None:
        return
    st.markdown("**Is what it calls 70 % likely so in 70 %?** On the dotted line it would be.")
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
                hovertemplate="said %{x:.2f}, was %{y:.2f}<extra></extra>",
            ),
        ]
    )
    figure.update_xaxes(range=[-0.03, 1.03], title="probability said", fixedrange=True)
    figure.update_yaxes(range=[-0.03, 1.03], title="share violated", fixedrange=True)
    figure.update_layout(
        title=maxim.value,
        height=250,
        showlegend=False,
        margin={"l": 4, "r": 4, "t": 40, "b": 4},
    )
    return figure


def _with_interval(figure: Estimate | None) -> str:
    if figure is None:
        return "–"
    return f"{number(figure.value)} [{number(figure.low)}, {number(figure.high)}]"
