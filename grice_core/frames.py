"""Pairs and results as pandas frames; rates and changes are fractions."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from grice_core.data.pairs import TEXT_FIELDS, PairTable
from grice_core.data.report import ValidationReport
from grice_core.dpo.checkpointing.history import read_history
from grice_core.evaluation.comparison import CorrectedChange
from grice_core.evaluation.rates import model_rates
from grice_core.evaluation.text_exports import text_lines
from grice_core.evaluation.texts import compare_texts
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.plan import PlannedStage


def pairs(table: PairTable) -> pd.DataFrame:
    """One row per pair, indexed by its row in the file: texts, scores (`chosen_quantity` …) and data
    margins (`margin_quantity` …); NaN = unscored."""
    columns: dict[str, object] = {
        field: table.texts.column(field).to_pylist() for field in TEXT_FIELDS
    }
    for prefix, values in (
        ("chosen", table.chosen_scores),
        ("rejected", table.rejected_scores),
        ("margin", table.margins),
    ):
        columns |= {f"{prefix}_{maxim}": values[:, maxim.column] for maxim in MAXIMS}
    return pd.DataFrame(columns, index=pd.Index(table.rows, name="row"))


def problems(report: ValidationReport) -> pd.DataFrame:
    """One row per kind of problem: code, severity, count, first rows, message, fix."""
    columns = ["code", "severity", "count", "rows", "message", "fix"]
    return pd.DataFrame([asdict(found) for found in report.problems], columns=columns)


def stages(planned: Iterable[PlannedStage]) -> pd.DataFrame:
    """One row per stage: how many pairs train it, are held out and dropped, and optimizer steps."""
    return pd.DataFrame(
        {
            "stage": stage.config.name,
            "title": stage.config.title,
            "train": len(stage.train_indices),
            "heldout": len(stage.heldout_indices),
            "dropped": len(stage.filtered.kept) - stage.filtered.num_kept,
            "steps": stage.num_steps,
        }
        for stage in planned
    )


def drop_reasons(planned: Iterable[PlannedStage]) -> pd.DataFrame:
    """One row per stage and reason: how many pairs it dropped; each pair has its first reason only."""
    return pd.DataFrame(
        [
            {"stage": stage.config.name, "reason": reason, "pairs": count}
            for stage in planned
            for reason, count in stage.filtered.counts().items()
        ]
    )


def history(folder: Path) -> pd.DataFrame:
    """One row per optimizer step of a stage's folder (`out/stage1`), indexed by step: loss, rewards,
    gradient norm …; metrics of held-out pairs are NaN where they were not measured."""
    frame = pd.DataFrame(read_history(folder / "history.jsonl"), dtype=float)
    return frame.astype({"step": int}).set_index("step") if len(frame) else frame


def responses(models: Iterable[EvaluatedModel]) -> pd.DataFrame:
    """One row per model and response: prompt, response, four violation probabilities, `cooperative`."""
    return pd.concat(
        [
            pd.DataFrame(
                {"model": model.name, "prompt": model.prompts, "response": model.responses}
                | {str(maxim): model.scores[:, maxim.column] for maxim in MAXIMS}
                | {"cooperative": model.cooperative}
            )
            for model in models
        ],
        ignore_index=True,
    )


def rates(models: Iterable[EvaluatedModel]) -> pd.DataFrame:
    """One row per model and measure: count, rate and its 95 % Wilson interval (`low`, `high`)."""
    return pd.DataFrame(
        {
            "model": model.name,
            "measure": measure,
            "count": found.count,
            "num_responses": found.num_responses,
            "rate": found.rate,
            "low": found.interval.low,
            "high": found.interval.high,
        }
        for model in models
        for measure, found in model_rates(model).items()
    )


def texts(models: Sequence[EvaluatedModel]) -> pd.DataFrame:
    """One row per model and measure of its answers (words, tokens, ended, empty, repetitive, distinct-1,
    distinct-2) with its 95 % interval; `before` is empty, or the model from which `value` is a change."""
    columns = ["measure", "model", "before", "value", "low", "high"]
    frame = pd.DataFrame(text_lines(compare_texts(models)), columns=columns)
    return frame.astype({"value": float, "low": float, "high": float})


def changes(found: Sequence[CorrectedChange]) -> pd.DataFrame:
    """One row per change, as `compare` gives them: its 95 % interval (`low`, `high`), p-value before
    and after Holm's correction, and what became of the responses (fixed, broken, still …)."""
    return pd.DataFrame(
        {
            "measure": each.change.measure,
            "before": each.change.before,
            "after": each.change.after,
            "num_prompts": each.change.num_prompts,
            "change": each.change.change,
            "low": each.change.interval.low,
            "high": each.change.interval.high,
            "p_value": each.change.p_value,
            "p_holm": each.p_holm,
            **asdict(each.change.transitions),
            "smallest_detectable": each.detectable,
        }
        for each in found
    )
