"""How a detector's figures look in the terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from grice_core.detector.calibrate import Calibration
    from grice_core.detector.metrics import Metrics
    from grice_core.detector.record import DetectorRecord


def _table(title: str, *columns: str) -> "Table":
    """A calm table: the first column to the left, numbers to the right."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def settings_table(record: "DetectorRecord", title: str) -> "Table":
    """Temperature and threshold of each maxim."""
    from grice_core.maxims import MAXIMS

    table = _table(title, "maxim", "temperature", "threshold")
    for maxim in MAXIMS:
        temperature = record.temperatures.as_array()[maxim.column]
        threshold = record.thresholds.as_array()[maxim.column]
        table.add_row(maxim, f"{temperature:.3f}", f"{threshold:.3f}")
    return table


def metrics_table(metrics: "Metrics") -> "Table":
    """Each maxim's figures; the intervals of precision, recall and ECE stand in the folder's card."""
    from grice_core.detector.card import estimate_text
    from grice_core.maxims import MAXIMS

    title = f"{metrics.num_texts:,} texts, {metrics.macro_f1_words}, [95 % intervals]"
    columns = ("violated", "F1", "prec.", "recall", "AUROC", "ECE")
    table = _table(title.replace("[", "\\["), "maxim", *columns)
    for maxim in MAXIMS:
        one = metrics.maxims[maxim]
        values = (
            "–" if figure is None else f"{figure.value:.2f}"
            for figure in (one.precision, one.recall)
        )
        f1, auroc = estimate_text(one.f1), estimate_text(one.auroc)
        table.add_row(maxim, f"{one.support:,}", f1, *values, auroc, f"{one.ece.value:.2f}")
    if metrics.cooperative is not None:
        table.caption, table.caption_justify = metrics.cooperative.words, "left"
    return table


def calibration_table(calibration: "Calibration", title: str) -> "Table":
    """Each maxim's temperature and threshold, log-loss and ECE before and after."""
    from grice_core.maxims import MAXIMS

    columns = ("temperature", "threshold", "log-loss", "ECE")
    table = _table(title, "maxim", *columns)
    for maxim in MAXIMS:
        one = calibration.maxims[maxim]
        table.add_row(
            maxim,
            f"{one.temperature:.3f}",
            f"{one.threshold:.3f}",
            f"{one.before.log_loss:.3f} → {one.after.log_loss:.3f}",
            f"{one.before.ece:.3f} → {one.after.ece:.3f}",
        )
    return table


def agreement_table(record: "DetectorRecord") -> "Table":
    """How near a student is to its teacher."""
    from grice_core.formatting import signed
    from grice_core.maxims import MAXIMS

    title = "Agreement with the teacher on prompts not trained on"
    table = _table(title, "maxim", "rank correlation", "same verdict", "mean |difference|")
    for maxim in MAXIMS:
        if record.agreement:
            one = record.agreement[maxim]
            table.add_row(
                maxim,
                signed(one.spearman, 3),
                f"{one.same_verdict:.1%}",
                f"{one.mean_abs_difference:.3f}",
            )
    return table


def warnings_of(record: "DetectorRecord") -> list[str]:
    """What a user of the detector should know, one sentence each."""
    cautions = cautions_of(record.metrics) if record.metrics else []
    return [*record.remarks, *cautions]


def cautions_of(metrics: "Metrics") -> list[str]:
    """What speaks against believing the detector, on a maxim or as a whole, one sentence each."""
    from grice_core.detector.metrics import WEAK_AUROC
    from grice_core.maxims import MAXIMS

    found = {maxim: metrics.maxims[maxim] for maxim in MAXIMS}
    harshness = metrics.harshness
    return [
        *(
            f"{maxim}: {one.caution}"
            + (f" (AUROC may be below {WEAK_AUROC:g})." if one.is_weak else ".")
            for maxim, one in found.items()
            if one.caution
        ),
        *([f"too harsh: {harshness}."] if harshness else []),
    ]


def say(lines: list[str], style: str = "yellow") -> None:
    """Print remarks on stderr, each unwrapped."""
    from grice_core.cli import terminal

    for line in lines:
        terminal.stderr().print(line, style=style, highlight=False, soft_wrap=True)
