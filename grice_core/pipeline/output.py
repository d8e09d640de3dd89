"""The output folder: what stands where.

run.json                     inputs' hashes, resolved recipe, versions, timings, what came out
stage1/history.jsonl         one line per optimizer step
stage1/answers.jsonl         what its model answered while it trained, if that was asked for
stage1/anchor/               the state before one of its steps, by which `grice verify` takes it again
stage1/events/               the same for TensorBoard, if it was asked for
stage1/final_model/          adapter for the plain base: stock PEFT loads it, and the evaluation asks it
round1/own_pairs.parquet     pairs that a stage `from: model` sampled
stage2/own_adapter/          what stage 2 alone learned, on (base + stage 1)
stage2/final_model/          both, composed into one adapter for the plain base
generations.jsonl            every response with its scores
evaluation.json              rates, intervals, verdict
receipt.json                 SHA-256 of all other files, once everything is done
multistage_results.json      the default layout: violation rates in percent
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grice_core.errors import OutputError
from grice_core.evaluation.results import EVALUATION_FILE, GENERATIONS_FILE, RESULTS_FILE
from grice_core.files import write_json_atomic
from grice_core.recipes.config import StageConfig

RUN_FILE = "run.json"
SCORED_PAIRS = "scored_pairs.json"
ANSWERS_JOURNAL = "answers.journal"
HELDOUT_JOURNAL = "heldout.journal"
RECEIPT_FILE = "receipt.json"
OWN_FILES = (
    RUN_FILE,
    GENERATIONS_FILE,
    EVALUATION_FILE,
    RESULTS_FILE,
    SCORED_PAIRS,
    ANSWERS_JOURNAL,
    HELDOUT_JOURNAL,
    RECEIPT_FILE,
)


def is_whole_model(folder: Path) -> bool:
    """Whether a stage published a model instead of an adapter."""
    return not (folder / "adapter_config.json").is_file()


@dataclass(frozen=True)
class StageFolder:
    """Where one stage's results go."""

    path: Path

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def answers(self) -> Path:
        """To a few held-out prompts while it trained; there only if that was asked for."""
        return self.path / "answers.jsonl"

    @property
    def events(self) -> Path:
        """Folder for TensorBoard; there only if it was asked for."""
        return self.path / "events"

    @property
    def checkpoints(self) -> Path:
        """There only while the stage is being trained."""
        return self.path / "checkpoints"

    @property
    def anchor(self) -> Path:
        """The state before one step, kept for `grice verify`."""
        return self.path / "anchor"

    @property
    def final_model(self) -> Path:
        return self.path / "final_model"

    @property
    def own_pairs(self) -> Path:
        """Of a stage that takes its pairs from the model, once they are sampled."""
        return self.path / "own_pairs.parquet"

    @property
    def samples(self) -> Path:
        """There only while they are being sampled."""
        return self.path / "samples.journal"

    @property
    def own_adapter(self) -> Path:
        """The adapter without the stages before it; a first stage's is its final model."""
        return self.path / "own_adapter"


@dataclass(frozen=True)
class OutputFolder:
    """Where one pipeline's results go."""

    path: Path

    def stage(self, name: str) -> StageFolder:
        return StageFolder(self.path / name)

    def own_pairs(self, stages: Sequence[StageConfig]) -> dict[int, Path]:
        """The pairs that were sampled for some of a recipe's stages, by their numbers from 0."""
        files = {
            number: self.stage(stage.name).own_pairs
            for number, stage in enumerate(stages)
            if stage.is_from_model
        }
        return {number: path for number, path in files.items() if path.is_file()}

    @property
    def scored_pairs(self) -> Path:
        return self.path / SCORED_PAIRS

    @property
    def answers(self) -> Path:
        """There only while models are being evaluated."""
        return self.path / ANSWERS_JOURNAL

    @property
    def heldout_answers(self) -> Path:
        """By which rounds of the model's own pairs are judged; there until all is evaluated."""
        return self.path / HELDOUT_JOURNAL

    @property
    def receipt(self) -> Path:
        return self.path / RECEIPT_FILE

    @property
    def run(self) -> Path:
        return self.path / RUN_FILE

    def read_run(self) -> dict[str, Any] | None:
        """The content of run.json; None if there is none."""
        try:
            record: dict[str, Any] = json.loads(self.run.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return record

    def write_run(self, record: dict[str, Any]) -> None:
        """Replace run.json."""
        write_json_atomic(self.run, record)

    def what_is_left(self, stages: tuple[str, ...]) -> str:
        """A sentence about what an interrupted run leaves behind."""
        finished = [name for name in stages if self.stage(name).final_model.is_dir()]
        if not finished:
            return f"No stage was finished; {self.path} holds run.json and the steps so far."
        return f"Finished and usable in {self.path}: {', '.join(finished)} (final_model)."


def open_output(path: Path, *, overwrite: bool, stages: tuple[str, ...]) -> OutputFolder:
    """Make the folder, or empty it of an earlier pipeline's results if that was asked for.

    Nothing but a pipeline's own files is ever deleted.

    Raises: OutputError, if the folder holds something and `overwrite` is off, or can't be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            if not overwrite:
                raise OutputError(
                    f"{path} is not empty: choose another --out, add --resume to continue with an "
                    "interrupted pipeline, or --overwrite to replace its results"
                )
            _clear(path, stages)
    except FileExistsError as error:
        raise OutputError(f"{path} is a file: --out must be a folder") from error
    except OSError as error:
        raise OutputError(f"can't write to {path}: {error.strerror}") from error
    return OutputFolder(path)


def reopen_output(path: Path) -> OutputFolder:
    """The folder of an interrupted pipeline.

    Raises: OutputError, if there is none, or it is finished.
    """
    output = OutputFolder(path)
    record = output.read_run()
    if record is None:
        raise OutputError(f"{path} holds no interrupted pipeline: leave out --resume to begin one")
    if record.get("state") == "finished":
        raise OutputError(f"the pipeline in {path} is finished: there is nothing to resume")
    return output


def stages_that_count(record: Mapping[str, Any]) -> list[str]:
    """Names of the trained stages that run.json tells of, without rounds that were left out again."""
    left_out = {each["name"] for each in record.get("rounds", ()) if not each.get("in_effect")}
    return [each["name"] for each in record.get("stages", ()) if each["name"] not in left_out]


def keep_stages_only(output: OutputFolder) -> None:
    """Leave of a pipeline's results its trained stages, and the scores that they were cut by.

    What is evaluated in the folder then, and how, may be something else.

    Raises: OutputError, if the folder holds no pipeline's results.
    """
    record = output.read_run()
    if record is None:
        raise OutputError(f"{output.path} holds no pipeline's results, so no stages either")
    for name in set(OWN_FILES) - {SCORED_PAIRS}:
        (output.path / name).unlink(missing_ok=True)
    kept: dict[str, Any] = {
        name: record[name] for name in ("stages", "rounds", "prompt_format") if name in record
    }
    output.write_run(kept)


def _clear(path: Path, stages: tuple[str, ...]) -> None:
    for stage in {*stages, *_stages_of_earlier_run(path)}:
        shutil.rmtree(path / stage, ignore_errors=True)
    for name in OWN_FILES:
        (path / name).unlink(missing_ok=True)


def _stages_of_earlier_run(path: Path) -> list[str]:
    """Stage names that an earlier run.json tells; none if it can't be read."""
    try:
        recipe = json.loads((path / RUN_FILE).read_text(encoding="utf-8"))["recipe"]
        return [str(Path(stage["name"]).name) for stage in recipe["stages"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
