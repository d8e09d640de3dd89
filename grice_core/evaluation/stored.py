"""Evaluations as pipelines left them on disk."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from grice_core.data.pairs import FloatArray, IntArray
from grice_core.errors import DataError
from grice_core.evaluation.preference_shift import PAIRS_FILE, PreferenceShift, read_shifts
from grice_core.evaluation.results import EVALUATION_FILE, GENERATIONS_FILE, SECOND_SCORES
from grice_core.evaluation.second_judge import SecondOpinion
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig

RUN_FILE = "run.json"


@dataclass(frozen=True, eq=False)
class StoredEvaluation:
    """What a pipeline's output folder says."""

    folder: Path
    models: tuple[EvaluatedModel, ...]
    """The baseline, then each stage."""
    config: EvaluationConfig
    """With the criteria that the verdict went by."""
    document: dict[str, Any]
    """The content of evaluation.json."""
    recipe: str
    """The recipe's name."""
    seed: int
    preference_shifts: tuple[PreferenceShift, ...]
    """After each stage its own training pairs, then those of the stages before it; as far as the
    pipeline kept them."""
    label: str = ""
    """What it is called beside others; empty: by its folder."""
    second: SecondOpinion | None = None
    """What the second judge says of the same answers, if there is one."""

    judge_fingerprint: str = ""
    """Of the training judge; empty: not known."""

    @property
    def name(self) -> str:
        """What it is called beside others."""
        return self.label or str(self.folder)

    @property
    def is_rejudged(self) -> bool:
        """Whether other thresholds judge here than the ones the pipeline went by."""
        usual: list[float] = [self.document["thresholds"][maxim] for maxim in MAXIMS]
        here: list[float] = self.models[0].thresholds.tolist()
        return here != usual


def read_evaluation(folder: Path | str) -> StoredEvaluation:
    """Read the output folder of a pipeline that was evaluated.

    Raises:
        DataError: A file is missing or isn't what a pipeline writes.
    """
    folder = Path(folder)
    document = _read_json(folder / EVALUATION_FILE)
    run = _read_json(folder / RUN_FILE)
    try:
        lines = _read_lines(folder / GENERATIONS_FILE)
        models = _models(lines, _thresholds(document))
        stored = StoredEvaluation(
            folder=folder,
            models=models,
            config=EvaluationConfig.model_validate(document["criteria"]),
            document=document,
            recipe=str(run["recipe"]["name"]),
            seed=int(run["seed"]),
            preference_shifts=tuple(_read_shifts(folder, document)),
            second=_second_opinion(lines, document),
            judge_fingerprint=run.get("inputs", {}).get("detector", {}).get("fingerprint", ""),
        )
        names = [model["name"] for model in document["models"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{folder} holds results that can't be read ({_reason(error)}): run the pipeline again"
        ) from error
    if [model.name for model in stored.models] != names or len(names) < 2:
        raise DataError(
            f"{GENERATIONS_FILE} and {EVALUATION_FILE} in {folder} tell of different models: "
            "run the pipeline again"
        )
    return stored


def rejudged(stored: StoredEvaluation, thresholds: FloatArray) -> StoredEvaluation:
    """The same answers and scores, judged by other thresholds, which is said among the warnings.

    Args:
        thresholds: (4,) in the order of `MAXIMS`.
    """
    usual = stored.models[0].thresholds
    changed = [
        f"{maxim} {new:g} instead of {old:g}"
        for maxim, new, old in zip(MAXIMS, thresholds.tolist(), usual.tolist(), strict=True)
        if new != old
    ]
    if not changed:
        return stored
    warning = f"Judged by other thresholds than the detector's: {', '.join(changed)}."
    document = stored.document | {"warnings": [*stored.document["warnings"], warning]}
    models = tuple(replace(model, thresholds=thresholds) for model in stored.models)
    return replace(stored, models=models, document=document)


def _read_json(path: Path) -> dict[str, Any]:
    text = _read_text(path)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}): run the pipeline again") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} is not a JSON object: run the pipeline again")
    return content


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{path.parent} holds no finished evaluation ({path.name}: {error.strerror}): "
            "name the --out folder of a pipeline that has ended"
        ) from error


_Lines = dict[str, list[dict[str, Any]]]
"""Lines about one response each, by the model that gave it."""


def _read_lines(path: Path) -> _Lines:
    """The models in the order of their first line."""
    lines: _Lines = {}
    # Not `splitlines`, which also cuts at line separators inside a response.
    for text in _read_text(path).removesuffix("\n").split("\n"):
        line = json.loads(text)
        lines.setdefault(line["model"], []).append(line)
    return lines


def _models(
    lines: _Lines, thresholds: FloatArray, scores: str = "scores"
) -> tuple[EvaluatedModel, ...]:
    """The models by the judge whose scores the lines hold under this name."""
    return tuple(
        EvaluatedModel(
            name=name,
            prompts=[line["prompt"] for line in of_model],
            responses=[line["response"] for line in of_model],
            scores=np.array([[line[scores][maxim] for maxim in MAXIMS] for line in of_model]),
            thresholds=thresholds,
            cut=frozenset(row for row, line in enumerate(of_model) if line.get("cut")),
            tokens=_tokens(of_model),
        )
        for name, of_model in lines.items()
    )


def _tokens(lines: list[dict[str, Any]]) -> IntArray | None:
    """(N,) of each answer; None where an earlier version of ours did not count them."""
    if not all("tokens" in line for line in lines):
        return None
    return np.array([line["tokens"] for line in lines], dtype=np.int64)


def _thresholds(document: dict[str, Any]) -> FloatArray:
    return np.array([document["thresholds"][maxim] for maxim in MAXIMS])


def _second_opinion(lines: _Lines, document: dict[str, Any]) -> SecondOpinion | None:
    said = document.get("second_judge")
    if said is None:
        return None
    return SecondOpinion(
        origin=said["origin"],
        fingerprint=said["fingerprint"],
        models=_models(lines, _thresholds(said), SECOND_SCORES),
        warnings=tuple(said["warnings"]),
    )


def _read_shifts(folder: Path, document: dict[str, Any]) -> Iterator[PreferenceShift]:
    for model in document["models"]:
        path = folder / model["name"] / PAIRS_FILE
        if path.is_file():
            yield from read_shifts(path, model["name"])


def _reason(error: Exception) -> str:
    return f"{error.args[0]!s} is missing" if isinstance(error, KeyError) else str(error)
