"""Reliability diagrams: how often what is called 70 % likely is so."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.detector.figures import NUM_BINS, bin_numbers
from grice_core.files import write_json_atomic
from grice_core.maxims import MAXIMS, Maxim

_TITLE = "Reliability: share of texts that violate the maxim, by what the detector said"
_X, _Y = "probability of a violation, mean of the bin", "observed rate"


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """The texts in ten equal bins of probability; empty bins are left out."""

    predicted: FloatArray
    """(B,) mean probability."""
    observed: FloatArray
    """(B,) share that violates the maxim, according to the labels."""
    counts: FloatArray
    """(B,) texts."""


def reliability_curve(probabilities: FloatArray, labels: FloatArray) -> ReliabilityCurve:
    """The curve of one maxim, from (N,) probabilities and (N,) labels of 0 or 1."""
    bins = bin_numbers(probabilities).astype(np.int64)
    counts = np.bincount(bins, minlength=NUM_BINS)
    filled = counts > 0
    sums = [np.bincount(bins, weights=one, minlength=NUM_BINS) for one in (probabilities, labels)]
    predicted, observed = (one[filled] / counts[filled] for one in sums)
    return ReliabilityCurve(predicted, observed, counts[filled].astype(np.float64))


def write_reliability(folder: Path, probabilities: FloatArray, labels: FloatArray) -> None:
    """Write `reliability.png` and `reliability.json` (Plotly's figure) of (N, 4) verdicts."""
    curves = {m: reliability_curve(probabilities[:, m.column], labels[:, m.column]) for m in MAXIMS}
    write_json_atomic(folder / "reliability.json", plotly_figure(curves))
    _write_png(folder / "reliability.png", curves)


def plotly_figure(curves: dict[Maxim, ReliabilityCurve]) -> dict[str, Any]:
    """The diagram as Plotly's JSON, with one panel for each maxim."""
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "title": {"text": _TITLE},
        "grid": {"rows": 1, "columns": len(curves), "pattern": "independent"},
        "showlegend": False,
    }
    for number, (maxim, curve) in enumerate(curves.items(), 1):
        axis = "" if number == 1 else str(number)
        place = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "type": "scatter"}
        dashes = {"color": "#7F7F7F", "dash": "dot", "width": 1}
        diagonal = {"x": [0, 1], "y": [0, 1], "mode": "lines", "line": dashes, "hoverinfo": "skip"}
        data.append({**place, **diagonal})
        data.append(
            {
                **place,
                "name": maxim,
                "x": curve.predicted.tolist(),
                "y": curve.observed.tolist(),
                "customdata": curve.counts.tolist(),
                "hovertemplate": "said %{x:.2f}, observed %{y:.2f}, %{customdata:d} texts",
                "mode": "lines+markers",
                "line": {"color": maxim.colour},
                "marker": {"size": _marker_sizes(curve).tolist()},
            }
        )
        layout[f"xaxis{axis}"] = {"range": [0, 1], "title": {"text": f"{maxim}: {_X}"}}
        layout[f"yaxis{axis}"] = {"range": [0, 1], "title": {"text": _Y if number == 1 else ""}}
    return {"data": data, "layout": layout}


def _marker_sizes(curve: ReliabilityCurve) -> FloatArray:
    """Diameters in points whose areas grow with the number of texts."""
    sizes: FloatArray = 5 + 10 * np.sqrt(curve.counts / curve.counts.max())
    return sizes


def _write_png(path: Path, curves: dict[Maxim, ReliabilityCurve]) -> None:
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    figure = Figure(figsize=(12, 3.6), layout="constrained", dpi=150)
    figure.suptitle(_TITLE, fontsize=11)
    for number, (maxim, curve) in enumerate(curves.items(), 1):
        axes = figure.add_subplot(1, len(curves), number)
        axes.plot([0, 1], [0, 1], color="#7F7F7F", linestyle=":", linewidth=1)
        axes.plot(curve.predicted, curve.observed, color=maxim.colour, linewidth=1.5)
        sizes = _marker_sizes(curve) ** 2
        axes.scatter(curve.predicted, curve.observed, s=sizes, color=maxim.colour, zorder=3)
        axes.set(title=maxim, xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.set_xlabel("predicted probability")
        axes.set_ylabel(_Y if number == 1 else "")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
