"""What runs are asked to do, as JSON in the database."""

from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass

from grice_core.errors import InputError
from grice_core.export.choices import Form, WeightDtype, check_dtype
from grice_core.pipeline.config import AskedHalf
from grice_core.pipeline.options import (
    NumProcesses,
    PipelineOptions,
    identifying,
    pipeline_options,
)
from grice_core.recipes.config import Recipe
from grice_core.registry import FILE_SHA256
from grice_core.store.json_text import digest_of
from grice_core.store.tables import DataSet, Detector, JsonObject


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    """Of this layout; a run that another version of the program submitted is refused in words."""


class StoredData(BaseModel):
    """A data set: a user's file, kept as columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    """Of the user's file."""
    artifact_sha256: str
    """Of the columns."""
    num_rows: int

    @classmethod
    def of(cls, data_set: DataSet) -> Self:
        """A data set of the store."""
        return cls(
            name=data_set.name,
            sha256=data_set.report.get(FILE_SHA256, data_set.sha256),
            artifact_sha256=data_set.artifact_sha256,
            num_rows=data_set.num_rows,
        )


class StoredFile(BaseModel):
    """A user's file in the artifact store, as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str


class StoredDetector(BaseModel):
    """A detector's folder in the artifact store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str

    @classmethod
    def of(cls, detector: Detector) -> Self:
        """A detector of the store."""
        return cls(name=detector.name, sha256=detector.artifact_sha256)


@pydantic_dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class PipelineSpec(PipelineOptions):
    """Everything that a pipeline's numbers depend on."""

    version: Literal[1] = 1
    """As that of other specs."""
    data: StoredData
    eval: StoredData
    base: str
    """Hub id, or a folder that every worker sees."""
    detector: StoredDetector | str
    """The latter: hub id of a four-label classifier."""
    recipe: Recipe
    second_judge: StoredDetector | str | None = None
    """Judges all answers beside the detector."""
    num_processes: NumProcesses = 1
    """What a spec meant before it could say it."""
    trained: str | None = None
    """Address of another pipeline's output folder: its stages are evaluated, and nothing is trained."""
    asked: AskedHalf | None = None
    """In a sweep: half of the evaluation prompts; None: all."""

    def document(self) -> JsonObject:
        """As JSON, for `parse_pipeline`; without an option that only names the pipeline and doesn't, and
        without a second judge, or a half of the prompts, where there is none."""
        document: JsonObject = _PIPELINE.dump_python(self, mode="json")
        for name in ("second_judge", "asked"):
            if document[name] is None:
                del document[name]
        unnamed = [
            option.name
            for option in pipeline_options()
            if not option.about.identifies and option.is_usual(getattr(self, option.name))
        ]
        return {name: value for name, value in document.items() if name not in unnamed}

    @property
    def digest(self) -> str:
        """The same for the same request: 64 hex digits."""
        # The first specs always said these; what they could not say is left out where it says nothing
        # unusual, so that old digests stay.
        always = {name: getattr(self, name) for name in _ALWAYS_SAID}
        said = always | identifying(self.document())
        return digest_of(
            {name: value for name, value in said.items() if (name, value) != _NOT_TRAINED}
        )


_PIPELINE = TypeAdapter(PipelineSpec)
_ALWAYS_SAID = ("seed", "precision", "leakage")
_NOT_TRAINED = ("trained", None)


DetectorHow = Literal["train", "distill", "calibrate", "evaluate"]
"""From labelled texts; from scored pairs; a copy with other thresholds; a copy that knows its figures."""


class FitDetectorSpec(_Spec):
    """A detector to be trained, distilled, calibrated or evaluated."""

    how: DetectorHow
    data: StoredFile
    """Labelled texts, or scored pairs to distil from."""
    start: StoredDetector | str
    """Encoder to start from (hub id or folder); the detector to calibrate or evaluate."""
    name: str
    """What the new detector is called."""
    pooling: Literal["cls", "cls+response_max"] = "cls"
    """What a new detector's heads see."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Fields of `FitSettings`."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class ImportDetectorSpec(_Spec):
    """A foreign detector to be made one of ours."""

    files: tuple[StoredFile, ...] = Field(min_length=1)
    """A checkpoint; without an encoder, the files of a four-label classifier's folder."""
    encoder: str | None = None
    """The checkpoint's: hub id, or a folder that every worker sees."""
    temperatures: StoredFile | None = None
    """A JSON object with one number per maxim; a checkpoint needs it."""
    name: str
    """What the detector is called."""

    @model_validator(mode="after")
    def _checkpoint_is_whole(self) -> Self:
        if self.encoder is not None and self.temperatures is None:
            raise ValueError("a checkpoint needs its temperatures")
        return self

    @property
    def digest(self) -> str:
        """The same for the same request: 64 hex digits."""
        return digest_of(self.model_dump(mode="json"))


class ScoreDataSpec(_Spec):
    """A data set whose unscored pairs a detector shall score."""

    data: StoredData
    detector: StoredDetector
    precision: Literal["auto", "fp32", "bf16"] = "auto"

    @property
    def digest(self) -> str:
        """The same for the same request: 64 hex digits."""
        return digest_of(self.model_dump(mode="json"))


class ExportModelSpec(_Spec):
    """A stage of a pipeline that is to be written for other programs."""

    pipeline_id: int
    output: str
    """Address of the pipeline's output folder."""
    stage: str
    form: Form
    dtype: WeightDtype = "fp32"

    @model_validator(mode="after")
    def _dtype_is_of_the_form(self) -> Self:
        check_dtype(self.form, self.dtype)
        return self

    @property
    def digest(self) -> str:
        """The same for the same request: 64 hex digits."""
        return digest_of(self.model_dump(mode="json"))


class SampleSpec(_Spec):
    """A share of the answers that a round samples."""

    pipeline_id: int
    run_id: int
    """Which trains the round and asks for the share."""
    round: int
    """How often that run was begun again from nothing."""
    pipeline: JsonObject
    """What the pipeline's runs are called with."""
    output: str
    """Address of the pipeline's output folder, as the round finds it."""
    stage: str
    share: int = Field(ge=1)
    """Which one; share 0 is that of the run that asks."""
    count: int = Field(ge=2)
    """Of shares."""


def parse_pipeline(spec: dict[str, Any]) -> PipelineSpec:
    """The spec of a pipeline's run.

    Raises:
        InputError: it is of another version, or damaged.
    """
    return _parse(_PIPELINE, spec)


def parse_fit_detector(spec: dict[str, Any]) -> FitDetectorSpec:
    """The spec of a run that makes a detector.

    Raises:
        InputError: it is of another version, or damaged.
    """
    return _parse(TypeAdapter(FitDetectorSpec), spec)


def parse_import_detector(spec: dict[str, Any]) -> ImportDetectorSpec:
    """The spec of a run that imports a detector.

    Raises:
        InputError: it is of another version, or damaged.
    """
    return _parse(TypeAdapter(ImportDetectorSpec), spec)


def parse_score_data(spec: dict[str, Any]) -> ScoreDataSpec:
    """The spec of a run that scores a data set.

    Raises:
        InputError: it is of another version, or damaged.
    """
    return _parse(TypeAdapter(ScoreDataSpec), spec)


def parse_export_model(spec: dict[str, Any]) -> ExportModelSpec:
    """The spec of a run that exports a stage.

    Raises:
        InputError: it is of another version, or damaged.
    """
    return _parse(TypeAdapter(ExportModelSpec), spec)


def parse_sample(spec: dict[str, Any]) -> SampleSpec:
    """The spec of a run that samples answers.

    Raises:
        InputError: it is of another version, or damaged.
    """
    return _parse(TypeAdapter(SampleSpec), spec)


_Any = TypeVar("_Any")


def _parse(layout: TypeAdapter[_Any], spec: dict[str, Any]) -> _Any:
    try:
        return layout.validate_python(spec)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"the run's specification can't be read ({where}: {first['msg']}); another version of "
            "Grice Studio may have submitted it: submit it again"
        ) from None
