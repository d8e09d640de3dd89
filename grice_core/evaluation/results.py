"""The files of an evaluation: the default results, everything behind them, every response."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grice_core.evaluation.comparison import compared, corrected
from grice_core.evaluation.rates import Rate, model_rates
from grice_core.evaluation.retention import retention
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.second_judge import SecondOpinion, second_document, verdict_of
from grice_core.evaluation.selection import PromptSelection
from grice_core.evaluation.texts import compare_texts
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel
from grice_core.files import write_json_atomic, write_text_atomic
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig

RESULTS_FILE = "multistage_results.json"
EVALUATION_FILE = "evaluation.json"
GENERATIONS_FILE = "generations.jsonl"
SECOND_SCORES = "second_scores"
"""In a response's line: what the second judge says."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A pipeline's models, judged on the same prompts."""

    models: tuple[EvaluatedModel, ...]
    """The baseline, then each stage in its order."""
    selection: PromptSelection
    sampling: Sampling
    config: EvaluationConfig
    warnings: tuple[str, ...] = ()
    """What a reader has to know of the detector before believing the rates."""
    second: SecondOpinion | None = None
    """What the second judge says of the same answers, if there is one."""


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write `generations.jsonl`, `evaluation.json` and, last, `multistage_results.json`."""
    write_text_atomic(
        folder / GENERATIONS_FILE, generations_jsonl(evaluation.models, evaluation.second)
    )
    write_json_atomic(folder / EVALUATION_FILE, evaluation_document(evaluation))
    write_json_atomic(folder / RESULTS_FILE, guide_results(evaluation.models))


def guide_results(models: Sequence[EvaluatedModel]) -> dict[str, dict[str, float]]:
    """The guide's layout, all in percent: violation rates per model, then all cooperative rates.

    Models are named by their place: `baseline`, `stage1`, …, the last with `_final`.
    """
    last = len(models) - 1
    names = ["baseline", *(f"stage{i}" + "_final" * (i == last) for i in range(1, len(models)))]
    percents = {
        name: dict(zip(MEASURES, _percents(model), strict=True))
        for name, model in zip(names, models, strict=True)
    }
    cooperative = {name: of_model.pop(COOPERATIVE) for name, of_model in percents.items()}
    return {**percents, COOPERATIVE: cooperative}


def generations_jsonl(models: Sequence[EvaluatedModel], second: SecondOpinion | None = None) -> str:
    """One JSON object per line: each model's responses in the order of the prompts."""
    others = [None] * len(models) if second is None else second.models
    lines = (
        json.dumps(line, ensure_ascii=False)
        for model, other in zip(models, others, strict=True)
        for line in _lines(model, other)
    )
    return "".join(line + "\n" for line in lines)


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """Everything behind the results; rates and differences are fractions.

    Holds no time and no path: the same models, prompts and seed give the same document.
    """
    models = evaluation.models
    return {
        "verdict": asdict(verdict_of(evaluation)),
        "warnings": list(evaluation.warnings),
        "prompts": evaluation.selection.counts(),
        "sampling": asdict(evaluation.sampling),
        "criteria": evaluation.config.model_dump(
            include={"min_cooperative", "target_cooperative", "max_regression"}
        ),
        "thresholds": dict(zip(MAXIMS, models[0].thresholds.tolist(), strict=True)),
        "models": evaluated_models(models),
        "changes": [change.document() for change in corrected(compared(models))],
        "retention": [asdict(retained) for retained in retention(models)],
        "texts": compare_texts(models).document(),
        **second_document(evaluation),
    }


def evaluated_models(models: Sequence[EvaluatedModel]) -> list[dict[str, Any]]:
    """Each model's rates, for the document."""
    return [
        {
            "name": model.name,
            "rates": _rates(model_rates(model)),
            "num_empty": model.num_empty,
            "num_cut": len(model.cut),
        }
        for model in models
    ]


def _lines(model: EvaluatedModel, by_second: EvaluatedModel | None) -> list[dict[str, Any]]:
    return [
        {
            "model": model.name,
            "prompt": prompt,
            "response": response,
            "scores": dict(zip(MAXIMS, scores, strict=True)),
            "violations": [str(m) for m, violated in zip(MAXIMS, flags, strict=True) if violated],
            "cooperative": not any(flags),
            **({"cut": True} if row in model.cut else {}),
            **({"tokens": int(model.tokens[row])} if model.tokens is not None else {}),
            **({} if by_second is None else _by_second(by_second, row)),
        }
        for row, prompt, response, scores, flags in zip(
            range(len(model.prompts)),
            model.prompts,
            model.responses,
            model.scores.tolist(),
            model.violated.tolist(),
            strict=True,
        )
    ]


def _by_second(model: EvaluatedModel, row: int) -> dict[str, Any]:
    flags = zip(MAXIMS, model.violated[row].tolist(), strict=True)
    return {
        SECOND_SCORES: dict(zip(MAXIMS, model.scores[row].tolist(), strict=True)),
        "second_violations": [str(maxim) for maxim, violated in flags if violated],
    }


def _percents(model: EvaluatedModel) -> list[float]:
    """Per measure; from counts, so that 14 of 200 is 7.0 and not 7.000000000000001."""
    num_responses = len(model.responses)
    return [100 * int(count) / num_responses for count in model.outcomes.sum(axis=0)]


def _rates(rates: dict[str, Rate]) -> dict[str, Any]:
    return {str(measure): asdict(rate) for measure, rate in rates.items()}
