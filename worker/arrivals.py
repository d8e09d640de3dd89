"""What the rows of an imported pipeline have to be, and what follows from their content.

The store knows which columns a row has; this module knows what stands in those that are JSON. Whatever
can be computed is computed here too: keys, cards of detectors, counts of pairs.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from grice_core.curating import CURATION
from grice_core.data.columnar import is_columnar, read_pairs
from grice_core.data.curation import parse_curation
from grice_core.data.load import load_pairs
from grice_core.data.report import Severity
from grice_core.detector.record import RECORD_NAME, DetectorRecord
from grice_core.errors import ArtifactError, DataError, GriceError
from grice_core.recipes.load import read_stored
from grice_core.rounds.phases import Phase
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.states import RunKind
from grice_core.store.tables import (
    DataSet,
    Detector,
    JsonObject,
    Metric,
    Pick,
    Pipeline,
    Recipe,
    Run,
    Violation,
)
from grice_core.store.transfer import Row
from worker.drafts import key_of, key_of_run
from worker.spec import PipelineSpec, parse_pipeline

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Verdict(BaseModel):
    model_config = ConfigDict(strict=True)

    state: str
    sentence: str


class _Phase(BaseModel):
    model_config = ConfigDict(strict=True)

    name: Annotated[Phase, Field(strict=False)]
    done: int
    total: int
    pace_s: Number | None


class _Round(BaseModel):
    model_config = ConfigDict(strict=True)

    phase: _Phase | None = None


class _Candidate(BaseModel):
    model_config = ConfigDict(strict=True)

    step: int
    score: Number
    accuracies: dict[str, Number]
    gains: dict[str, Number]
    lost: list[str]
    on_front: bool


class _Checkpoint(BaseModel):
    """Which step a stage kept."""

    model_config = ConfigDict(strict=True)

    step: int
    said: list[str]
    candidates: list[_Candidate] = Field(min_length=1)


class _Result(BaseModel):
    """As much of a result as others rely on; runs of each kind have some of it."""

    model_config = ConfigDict(strict=True)

    verdict: _Verdict | None = None
    percent: dict[str, dict[str, Number]] = Field(default_factory=dict)
    seconds: Number = 0.0
    peak_bytes: int | None = None
    stages: list[dict[str, Any]] = Field(default_factory=list)
    prompts: dict[str, Any] = Field(default_factory=dict)
    round: _Round | None = None
    checkpoint: _Checkpoint | None = None


class _Problem(BaseModel):
    code: str
    severity: Severity
    count: int
    rows: list[int]
    message: str
    fix: str


class _BadRow(BaseModel):
    row: int
    content: str
    codes: list[str]


class _Report(BaseModel):
    """A data set's validation report."""

    problems: list[_Problem]
    num_rows: int = 0
    num_usable: int = 0
    notes: list[str] = Field(default_factory=list)
    bad_rows: list[_BadRow] = Field(default_factory=list)


_TROUBLES = TypeAdapter(dict[str, str])
_NUMBERS = TypeAdapter(dict[str, Number | None])
_CHANCE = TypeAdapter(Annotated[float, Field(gt=0, allow_inf_nan=False)])
_SCORE = TypeAdapter(Annotated[float, Field(ge=0, le=1)])


def checked(artifacts: ArtifactStore, rows: list[Row]) -> list[Row]:
    """The rows of one pipeline as they are to be kept; all its files are in the store.

    Raises:
        DataError: a row can't be read, or says something that its content contradicts.
    """
    specs = [columns["spec"] for table, columns in rows if table == Pipeline.__tablename__]
    if len(specs) != 1:
        raise DataError(f"it holds {len(specs)} pipelines, not one")
    arrival = _Arrival(artifacts, _in_words("its pipeline", parse_pipeline, specs[0]))
    return [(table, arrival.checked(table, columns)) for table, columns in rows]


class _Arrival:
    """One pipeline that comes from elsewhere."""

    def __init__(self, artifacts: ArtifactStore, spec: PipelineSpec) -> None:
        self._artifacts = artifacts
        self._spec = spec
        self._checks: dict[str, Callable[[JsonObject], JsonObject]] = {
            DataSet.__tablename__: self._data_set,
            Recipe.__tablename__: self._recipe,
            Detector.__tablename__: self._detector,
            Pipeline.__tablename__: lambda _: {"key": key_of(self._spec)},
            Run.__tablename__: self._run,
            Metric.__tablename__: lambda columns: _same(_NUMBERS, columns["numbers"]),
            Violation.__tablename__: _violation,
            Pick.__tablename__: lambda columns: _same(_CHANCE, columns["relative_chance"]),
        }

    def checked(self, table: str, columns: JsonObject) -> JsonObject:
        """A row with what follows from its content in place of what it says."""
        check = self._checks.get(table)
        if check is None:
            return columns
        followed: JsonObject = _in_words(
            f"row {columns.get('id', '')} of its {table}", check, columns
        )
        return columns | followed

    def _data_set(self, columns: JsonObject) -> JsonObject:
        _Report.model_validate(columns["report"])
        if CURATION in columns["report"]:
            parse_curation(columns["report"][CURATION])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pairs.parquet"
            self._artifacts.fetch_file(columns["artifact_sha256"], path)
            table = read_pairs(path) if is_columnar(path) else load_pairs(path).table
        num_usable, num_scored = len(table), int(table.scored.sum())
        num_rows = max(num_usable, int(columns["num_rows"]))
        return {"num_rows": num_rows, "num_usable": num_usable, "num_scored": num_scored}

    def _recipe(self, columns: JsonObject) -> JsonObject:
        read_stored(columns["body"], "its recipe")
        return {}

    def _detector(self, columns: JsonObject) -> JsonObject:
        files = self._artifacts.folder(columns["artifact_sha256"])
        record = next((file for file in files if file.path == RECORD_NAME), None)
        if record is None:
            raise DataError(f"the detector has no {RECORD_NAME}")
        content = self._artifacts.read(record.sha256)
        return {"card": DetectorRecord.model_validate_json(content).model_dump(mode="json")}

    def _run(self, columns: JsonObject) -> JsonObject:
        kind, stage = RunKind(columns["kind"]), columns["stage"]
        if parse_pipeline(columns["spec"]).digest != self._spec.digest:
            raise DataError("it was asked for something else than its pipeline")
        if stage not in ({each.name for each in self._spec.recipe.stages} | {None}):
            raise DataError(f"the recipe has no stage {stage!r}")
        if columns.get("troubles") is not None:
            _TROUBLES.validate_python(columns["troubles"])
        followed: JsonObject = {"key": key_of_run(self._spec, kind, stage)}
        if columns.get("result") is not None:
            _Result.model_validate(columns["result"])
            # Its number there; here another data set may have it. The pairs are in the output folder.
            followed["result"] = {
                name: value for name, value in columns["result"].items() if name != "data_set_id"
            }
        return followed


def _violation(columns: JsonObject) -> JsonObject:
    if columns.get("second_score") is not None:
        _same(_SCORE, columns["second_score"])
    return _same(_SCORE, columns["score"])


def _same(layout: TypeAdapter[Any], value: Any) -> JsonObject:
    """Nothing to be changed, if a value is what it has to be."""
    layout.validate_python(value, strict=True)
    return {}


def _in_words(what: str, work: Callable[[Any], Any], given: Any) -> Any:
    """What the work gives; its errors in one sentence.

    Raises:
        DataError: it can't be done with what was given.
    """
    try:
        return work(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its value"
        raise DataError(f"{what} can't be read: {where}: {first['msg'].lower()}") from None
    except ArtifactError as error:
        raise DataError(f"{what} names a file that is not in it: {error}") from None
    except GriceError as error:
        raise DataError(f"{what} can't be read: {' '.join(str(error).split())}") from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{what} can't be read: {type(error).__name__} {error}") from None
