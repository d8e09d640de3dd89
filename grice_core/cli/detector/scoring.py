"""`grice score`: unscored pairs turned into scored ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.detector.options import Device, Overwrite, Precision
from grice_core.cli.local_copies import local_detector, local_file
from grice_core.cli.reading_options import LayoutName, Maps, Scales, reading_of
from grice_core.errors import DataError, InterruptedRunError, OutputError

if TYPE_CHECKING:
    from grice_core.data.load import LoadedPairs
    from grice_core.detector.judge import Detector
    from grice_core.detector.pairs import ScoredPairs

_SUFFIXES = (".json", ".jsonl")


def score(
    file: Annotated[
        Path, typer.Argument(help="Preference pairs, or studio:NAME.", show_default=False)
    ],
    detector: Annotated[
        str,
        typer.Option(
            help="Detector folder, a four-label classifier (folder or hub id), or studio:NAME.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="File to write: .json (the default layout) or .jsonl.", show_default=False
        ),
    ],
    rescore: Annotated[bool, typer.Option("--all", help="Score scored pairs anew, too.")] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    overwrite: Overwrite = False,
    layout: LayoutName = None,
    maps: Maps = None,
    scales: Scales = None,
) -> None:
    """Score the pairs that have no scores yet; a run that was killed continues where it was."""
    from grice_core.cli import terminal
    from grice_core.data.load import load_pairs
    from grice_core.detector.load import load_detector
    from grice_core.detector.pairs import score_pairs
    from grice_core.kernels.precision import resolve_device
    from grice_core.store.kept import kept_work

    reading = reading_of(layout, maps, scales)
    _check_out(out, overwrite=overwrite)
    journal = out.with_name(f"{out.name}.partial")
    with local_detector(detector) as source:
        judge = load_detector(source, resolve_device(device), precision)
    with terminal.progress_bars() as progress, local_file(file) as path:
        loaded = load_pairs(path, progress, reading=reading)
        if not len(loaded.table):
            raise DataError(f"{file} has no row that can be used; grice check {file} says why")
        _say_what_it_takes(judge, loaded, rescore=rescore)
        try:
            scored = score_pairs(
                judge, loaded.table, journal, rescore=rescore, progress=progress, kept=kept_work()
            )
        except KeyboardInterrupt as error:
            raise InterruptedRunError(
                f"stopped; what is scored is kept in {journal}, and the same command continues"
            ) from error
        _write(out, scored)
    journal.unlink(missing_ok=True)
    _show(judge, loaded, scored, out)


def _say_what_it_takes(judge: "Detector", loaded: "LoadedPairs", *, rescore: bool) -> None:
    """Before a language model is asked: where texts go, time and cost."""
    from dataclasses import replace

    import numpy as np

    from grice_core.cli.detector import tables
    from grice_core.detector.llm.detector import ChatDetector
    from grice_core.detector.llm.estimate import estimate, texts_of_pairs

    if not isinstance(judge, ChatDetector):
        return
    table = loaded.table
    if rescore:
        table = replace(table, chosen_scores=np.full_like(table.chosen_scores, np.nan))
    sentence = estimate(judge, texts_of_pairs(table)).sentence()
    tables.say([judge.client.endpoint.what_leaves, f"{sentence}."])


def _check_out(out: Path, *, overwrite: bool) -> None:
    if out.suffix not in _SUFFIXES:
        raise OutputError(f"{out}: name a file that ends in .json or .jsonl")
    if out.exists() and not overwrite:
        raise OutputError(f"{out} exists; name another file, or add --overwrite")
    out.parent.mkdir(parents=True, exist_ok=True)


def _write(out: Path, scored: "ScoredPairs") -> None:
    from grice_core.data.export import write_json, write_jsonl

    (write_json if out.suffix == ".json" else write_jsonl)(out, scored.table)


def _show(judge: "Detector", loaded: "LoadedPairs", scored: "ScoredPairs", out: Path) -> None:
    from rich.table import Table

    from grice_core.cli import terminal
    from grice_core.formatting import signed
    from grice_core.maxims import MAXIMS

    pairs = scored.table
    table = Table(box=None, pad_edge=False)
    table.add_column("maxim")
    for name in ("chosen violates", "rejected violates", "data margin"):
        table.add_column(name, justify="right")
    chosen = (pairs.chosen_scores > judge.thresholds).mean(axis=0)
    rejected = (pairs.rejected_scores > judge.thresholds).mean(axis=0)
    for maxim, *rates, margin in zip(
        MAXIMS, chosen, rejected, pairs.margins.mean(axis=0), strict=True
    ):
        weak = " (too weak to judge this maxim)" if maxim in judge.weak_maxims else ""
        table.add_row(maxim + weak, *(f"{rate:.1%}" for rate in rates), signed(margin, 3))
    console = terminal.stdout()
    console.print(f"{scored.num_scored:,} of {len(pairs):,} pairs scored → {out}", highlight=False)
    console.print(table)
    _remark(judge, loaded, scored)


def _remark(judge: "Detector", loaded: "LoadedPairs", scored: "ScoredPairs") -> None:
    from grice_core.cli.detector import tables

    remarks = [f"note: {remark}" for remark in judge.remarks]
    if scored.num_taken_over:
        remarks.append(f"{scored.num_taken_over:,} pairs had been scored by an earlier run")
    if scored.note:
        remarks.append(scored.note)
    left = len(scored.table) - scored.num_scored
    if left:
        remarks.append(f"{left:,} pairs kept the scores they came with; --all scores them anew")
    if scored.num_cut:
        remarks.append(
            f"{scored.num_cut:,} pairs have a response longer than the detector's "
            f"{judge.record.max_length} tokens; its end was not read"
        )
    if loaded.report.num_usable < loaded.report.num_rows:
        unusable = loaded.report.num_rows - loaded.report.num_usable
        remarks.append(f"{unusable:,} rows can't be used and are left out; grice check says why")
    tables.say(remarks)
