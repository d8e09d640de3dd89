"""A pipeline's models in memory, from what its runs have left in the store."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from grice_core.chat.choice import FormatChoice
from grice_core.detector.judge import Detector
from grice_core.detector.load import load_detector
from grice_core.dpo.base import load_base
from grice_core.errors import InputError
from grice_core.files import scratch_folder
from grice_core.kernels.precision import resolve_base_dtype, resolve_device, resolve_precision
from grice_core.pipeline.options import BaseDtype
from grice_core.pipeline.side_by_side import SideBySide
from grice_core.store import references, runs
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from worker.roles import ADAPTER
from worker.spec import PipelineSpec, parse_pipeline


@dataclass(frozen=True)
class Sources:
    """What the models of a pipeline are made of, which changes when a stage is trained again."""

    spec: PipelineSpec
    adapters: tuple[tuple[str, str], ...]
    """Stage and address of its adapter for the plain base, in the order of the recipe."""
    rendered_at: str | None
    """The date that their chat template was given, if it writes one."""
    base_dtype: BaseDtype
    """In which their base's weights are held."""


def sources_of(database: Database, pipeline_id: int) -> Sources:
    """What there is of a pipeline so far.

    Raises:
        InputError: there is no such pipeline.
    """
    chain = runs.of_pipeline(database, pipeline_id)
    if not chain:
        raise InputError(f"there is no pipeline {pipeline_id}")
    adapters = []
    for run in chain:
        made = references.of_run(database, run.id) if run.stage else {}
        if run.stage and ADAPTER in made:
            adapters.append((run.stage, made[ADAPTER].sha256))
    spec = parse_pipeline(chain[0].spec)
    begun = chain[0].result or {}
    rendered_at = begun.get("prompt_format", {}).get("rendered_at")
    return Sources(spec, tuple(adapters), rendered_at, begun.get("base_dtype", "fp32"))


def load_judge(sha256: str, artifacts: ArtifactStore, home: Path, device: str) -> Detector:
    """Load a detector by the address of its folder.

    Raises:
        GriceError: it can't be loaded.
    """
    with _scratch(home) as folder:
        artifacts.fetch_folder(sha256, folder / "detector")
        return load_detector(str(folder / "detector"), resolve_device(device))


def _scratch(home: Path) -> AbstractContextManager[Path]:
    """A folder for what is only read once; this process may be killed for a run at any moment."""
    return scratch_folder(home / "tmp" / "playground")


def load_models(sources: Sources, artifacts: ArtifactStore, home: Path, device: str) -> SideBySide:
    """Load base, adapters and detector.

    Raises:
        GriceError: one of them can't be loaded.
    """
    spec, place = sources.spec, resolve_device(device)
    with _scratch(home) as folder:
        adapters = {}
        for stage, sha256 in sources.adapters:
            adapters[stage] = folder / sha256
            if not adapters[stage].exists():
                artifacts.fetch_folder(sha256, adapters[stage])
        if isinstance(spec.detector, str):
            judge = spec.detector
        else:
            judge = str(folder / "detector")
            artifacts.fetch_folder(spec.detector.sha256, Path(judge))
        dtype = resolve_precision(spec.precision, place)
        return SideBySide(
            load_base(spec.base, place, resolve_base_dtype(sources.base_dtype, dtype)),
            adapters,
            load_detector(judge, place, spec.precision),
            dtype,
            FormatChoice.at(spec.recipe.prompt_format, sources.rendered_at),
        )
