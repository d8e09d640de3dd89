"""What is submitted for a specification: its key, and the runs that it takes."""

from pathlib import Path

from grice_core.errors import InputError
from grice_core.pipeline.sources import UserFile
from grice_core.registry import check_base
from grice_core.store.states import Device, RunKind
from grice_core.store.submission import RunDraft
from grice_core.store.tables import DataSet, Detector
from worker.requests import PipelineRequest
from worker.spec import PipelineSpec, StoredData, StoredDetector


def spec_of(request: PipelineRequest, trained: str | None = None) -> PipelineSpec:
    """The specs of a request's runs, all of whose files are in the store.

    Args:
        trained: address of the output folder whose stages are only evaluated.

    Raises:
        InputError: a file is not in the store, or the base can't be used.
    """
    second = request.second_judge
    return PipelineSpec(
        data=StoredData.of(in_store(request.data)),
        eval=StoredData.of(in_store(request.eval)),
        base=check_base(request.base),
        detector=_judge(request.detector),
        second_judge=None if second is None else _judge(second),
        recipe=request.recipe,
        trained=trained,
        **request.options(),
    )


def _judge(detector: Detector | str) -> StoredDetector | str:
    return detector if isinstance(detector, str) else StoredDetector.of(detector)


def key_of(spec: PipelineSpec) -> str:
    """Stands for the intent: the same for the same request."""
    return f"pipeline-{spec.digest}"


def key_of_run(spec: PipelineSpec, kind: RunKind, stage: str | None) -> str:
    """Of one run of a pipeline."""
    return ":".join(filter(None, [spec.digest, kind, stage]))


def chain_of(spec: PipelineSpec, device: Device) -> list[RunDraft]:
    """The runs of a pipeline, each waiting for the one before."""
    to_train = spec.recipe.stages if spec.trained is None else ()
    steps: list[tuple[RunKind, str | None]] = [
        (RunKind.SCORE, None),
        *((RunKind.TRAIN, stage.name) for stage in to_train),
        (RunKind.EVALUATE, None),
        (RunKind.EXPORT, None),
    ]
    drafts: list[RunDraft] = []
    for kind, stage in steps:
        before = (drafts[-1].key,) if drafts else ()
        key = key_of_run(spec, kind, stage)
        drafts.append(RunDraft(key, kind, spec.document(), device, stage, parents=before))
    return drafts


def measurement_of(spec: PipelineSpec, device: Device) -> RunDraft:
    """The run that measures what a pipeline would take; it goes first, since a user waits for it."""
    key = f"estimate-{spec.digest}-{device}"
    return RunDraft(key, RunKind.ESTIMATE, spec.document(), device, priority=1)


def in_store(data: Path | UserFile | DataSet) -> DataSet:
    """A data set that was stored before.

    Raises:
        InputError: it is a file that no one has stored yet.
    """
    if isinstance(data, Path | UserFile):
        raise InputError(f"{data} is not in the store yet")
    return data
