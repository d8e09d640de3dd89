"""What goes along with an export: the pairs of each stage and the evaluation, as `datasets` loads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from grice_core.data.pairs import IntArray, PairTable
from grice_core.detector.load import load_detector
from grice_core.errors import DataError
from grice_core.evaluation.stored import StoredEvaluation, read_evaluation
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.export.job import ExportJob
from grice_core.files import write_text_atomic
from grice_core.kernels.precision import resolve_device
from grice_core.maxims import MAXIMS
from grice_core.pipeline.inputs import PipelineInputs, read_inputs
from grice_core.pipeline.reopening import reopened
from grice_core.progress import Reporter

FOLDER = "dataset"
"""In an export: what goes along, a data set of its own."""
EVALUATION = "evaluation"
"""Configuration of the answers; a stage's pairs are one that is named as the stage."""

_Files = dict[str, dict[str, str]]
"""Path of each split, by configuration."""


def write_companions(job: ExportJob, folder: Path, reporter: Reporter) -> None:
    """Write what is to go along into `dataset`; nothing if nothing is asked for.

    Raises: DataError, if the pairs are not found any more, or are others.
    """
    files: _Files = {}
    target = folder / FOLDER
    if "data" in job.companions:
        files |= _write_pairs(job, target, reporter)
    if "evaluation" in job.companions:
        files |= _write_answers(job, target)
    if files:
        write_text_atomic(target / "README.md", _card(job, files))


def _write_pairs(job: ExportJob, target: Path, reporter: Reporter) -> _Files:
    inputs = _inputs(job, reporter)
    files: _Files = {}
    wanted = [stage.name for stage in job.stage.stages]
    for stage in inputs.stages:
        if stage.config.name not in wanted:
            continue
        splits = {"train": stage.train_indices, "heldout": stage.heldout_indices}
        for split, indices in splits.items():
            path = f"{stage.config.name}/{split}.parquet"
            _write(target / path, _pairs(inputs.table, indices))
            files.setdefault(stage.config.name, {})[split] = path
    return files


def _inputs(job: ExportJob, reporter: Reporter) -> PipelineInputs:
    """The pipeline's inputs, cut as they were."""
    stage = job.stage
    config = reopened(stage.output, job.places)

    def load() -> Any:
        return load_detector(config.detector, resolve_device(config.device), config.precision)

    try:
        inputs = read_inputs(config, load, stage.output, reporter)
    except DataError as error:
        raise DataError(f"{error}. Say with --data and --eval where the files are now") from error
    recorded = stage.record["inputs"]["data"]["sha256"]
    if inputs.opened.sha256 != recorded:
        raise DataError(
            f"{inputs.opened.where} is not the file that {stage.name} was trained on (SHA-256 "
            f"{inputs.opened.sha256[:16]}… instead of {recorded[:16]}…): name that one with --data"
        )
    return inputs


def _pairs(table: PairTable, indices: IntArray) -> pa.Table:
    kept = table.take(indices)
    columns: dict[str, Any] = {
        "row": kept.rows,
        "prompt": kept.prompts,
        "chosen": kept.chosen,
        "rejected": kept.rejected,
    }
    for name, scores in (("chosen", kept.chosen_scores), ("rejected", kept.rejected_scores)):
        columns |= {f"{name}_{maxim}": scores[:, maxim.column] for maxim in MAXIMS}
    if kept.messages is not None:
        columns["messages"] = kept.messages
    return pa.table(columns)


def _write_answers(job: ExportJob, target: Path) -> _Files:
    stored = read_evaluation(job.stage.output.path)
    path = f"{EVALUATION}/test.parquet"
    _write(target / path, pa.concat_tables(_answers(stored)))
    return {EVALUATION: {"test": path}}


def _answers(stored: StoredEvaluation) -> Iterator[pa.Table]:
    for model in stored.models:
        yield pa.table(_answers_of(model))


def _answers_of(model: EvaluatedModel) -> dict[str, Any]:
    count = len(model.prompts)
    return {
        "model": [model.name] * count,
        "prompt": model.prompts,
        "response": model.responses,
        **{str(maxim): model.scores[:, maxim.column] for maxim in MAXIMS},
        **{f"{maxim}_violated": model.violated[:, maxim.column] for maxim in MAXIMS},
        "cut": [row in model.cut for row in range(count)],
    }


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _card(job: ExportJob, files: _Files) -> str:
    """The data set's card, by whose head `datasets` finds the files."""
    configs = "".join(
        f"- config_name: {name}\n  data_files:\n"
        + "".join(f"  - split: {split}\n    path: {path}\n" for split, path in splits.items())
        for name, splits in files.items()
    )
    stage = job.stage
    sections = [
        f"# What {stage.name} on {job.shown_base} was trained and judged by",
        f"Recipe `{stage.recipe.name}`, seed {stage.record['seed']}. Scores are a detector's violation "
        "probabilities in [0, 1], lower is better.",
    ]
    if set(files) - {EVALUATION}:
        sections.append(
            "A stage's configuration holds the pairs that its filter kept: `train` to learn from, `heldout` "
            "to watch; `row` is the row in the file that they came from."
        )
    if EVALUATION in files:
        sections.append(
            f"`{EVALUATION}`: each model's answers to the held-out prompts, scored and judged by the "
            "detector's thresholds; `cut`: unfinished at the most new tokens."
        )
    sections.append(f'```python\nload_dataset("path/to/this/folder", "{next(iter(files))}")\n```')
    return f"---\nconfigs:\n{configs}---\n\n" + "\n\n".join(sections) + "\n"
