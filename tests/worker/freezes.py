"""Freezing owners of runs (SIGSTOP, a closed lid) in the middle of work of every kind."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grice_core.maxims import MAXIMS
from grice_core.recipes.load import load_recipe
from grice_core.registry import Keeper
from grice_core.store import model_exports, runs
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from tests.detector import lessons, tiny
from tests.pipeline.world import write_pairs
from tests.worker.asked import SMALL, ask, small_request, unique_name
from tests.worker.installation import Installation, stop_outside_transactions
from tests.worker.processes import alive, eventually
from worker.client import DetectorRequest, ImportRequest

CHAIN = ("score", "train", "evaluate", "export")
PIPELINE = "pipeline"


def chain_of_runs(installation: Installation, world: Path) -> dict[str, int]:
    """Ask for a pipeline whose runs last long enough to be frozen; returns them by kind."""
    recipe = load_recipe("joint", (*SMALL, "evaluation.max_new_tokens=40"))
    named = recipe.model_copy(update={"description": unique_name()})
    unscored = write_pairs(installation.home / f"{unique_name()}.json", scored=False)
    queue = installation.queue()
    pipeline_id = queue.submit(small_request(world, data=unscored, recipe=named))
    return {run.kind.value: run.id for run in runs.of_pipeline(queue.database, pipeline_id)}


def data_set_to_score(installation: Installation, world: Path) -> int:
    queue = installation.queue()
    keeper = Keeper(queue.database, queue.artifacts)
    file = write_pairs(installation.home / f"{unique_name()}.json", 200, scored=False)
    data = keeper.keep_pairs(file, file.name)
    return queue.detectors.score(data, keeper.keep_detector(world / "detector"))


def detector_to_train(installation: Installation, world: Path) -> int:  # noqa: ARG001
    folder = installation.home / unique_name()
    folder.mkdir()
    labels, encoder = lessons.write_labels(folder / "labels.json"), tiny.write_encoder(folder / "e")
    asked = DetectorRequest("train", labels, str(encoder), unique_name(), {"epochs": 2})
    return installation.queue().detectors.train(asked)


def detector_to_import(installation: Installation, world: Path) -> int:  # noqa: ARG001
    classifier = tiny.write_classifier(installation.home / unique_name(), tuple(MAXIMS))
    return installation.queue().detectors.take_in(ImportRequest(classifier, unique_name()))


def pipeline_to_measure(installation: Installation, world: Path) -> int:
    recipe = load_recipe("joint", SMALL).model_copy(update={"description": unique_name()})
    return installation.queue().measure(small_request(world, recipe=recipe))


def model_to_export(installation: Installation, world: Path) -> int:
    asked = ask(installation.queue(), world)
    asked.until_done()
    exports = installation.queue().model_exports
    for run in model_exports.of_pipeline(installation.queue().database, asked.pipeline_id):
        exports.remove(run.id)
    return exports.submit(asked.pipeline_id, "stage1", "merged", "fp32")


SINGLE: dict[str, Callable[[Installation, Path], int]] = {
    "score_data": data_set_to_score,
    "fit_detector": detector_to_train,
    "import_detector": detector_to_import,
    "estimate": pipeline_to_measure,
    "export_model": model_to_export,
}
"""By kind, for runs outside any pipeline: asks for one that lasts long enough to be frozen; returns its id."""

KINDS = (PIPELINE, *SINGLE)


def frozen_and_done(installation: Installation, run_id: int) -> None:
    """Freeze a run's owner, and see that the run is done all the same, by another."""
    frozen = frozen_and_thawed(installation, run_id)
    run = ended(installation, run_id)
    assert run.state is RunState.SUCCEEDED, run.error
    # Not always the second: the same data asked to be scored once more is the same run.
    assert run.attempt == frozen.attempt + 1, (
        f"done in attempt {run.attempt}: on a busy machine leases run out"
    )


def freeze(installation: Installation, world: Path, kind: str) -> None:
    """Freeze owners in the middle of a run of this kind; `pipeline`: of each run of a pipeline in turn."""
    if kind == PIPELINE:
        chain = chain_of_runs(installation, world)
        for of_chain in CHAIN:
            frozen_and_done(installation, chain[of_chain])
    else:
        frozen_and_done(installation, SINGLE[kind](installation, world))


def frozen_and_thawed(installation: Installation, run_id: int) -> Run:
    """Freeze a run's worker and job in the middle of it, until another has taken it and is done.

    Returns the run as it was then.
    """
    database = installation.queue().database

    def look(is_so: Callable[[Run], bool]) -> Callable[[], Run | None]:
        def find() -> Run | None:
            run = runs.get(database, run_id)
            assert run.state is not RunState.FAILED, run.error
            assert run.state is not RunState.SUCCEEDED or run.attempt > 1, "it was too quick"
            return run if is_so(run) else None

        return find

    run = eventually(
        look(lambda run: run.pid is not None and is_at_work(installation, run)),
        "it is in the middle of its work",
        look_every_s=0.005,
    )
    with owner_frozen(installation, run):
        eventually(look(lambda now: now.token > run.token and now.pid is not None), "it is taken")
        eventually(look(lambda now: now.step > 0 or now.state.is_finished()), "it continues")
    frozen: Run = run
    return frozen


@contextmanager
def owner_frozen(installation: Installation, run: Run) -> Iterator[None]:
    """While the block lasts, a run's worker and job are stopped. Once they wake up, the job has to end."""
    assert run.owner is not None
    assert run.pid is not None
    sleepers = (int(run.owner.split(":")[1]), run.pid)
    eventually(lambda: stop_outside_transactions(sleepers, installation), "they are stopped")
    try:
        yield
    finally:
        for pid in sleepers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    eventually(lambda: not alive(sleepers[1]), "the sleeper's job has ended", within_s=60)


def is_at_work(installation: Installation, run: Run) -> bool:
    """Whether a run has begun to write a file in its place, if it is of a kind that does so."""
    folder = installation.home / "work" / str(run.id)
    if run.kind in {"export", "export_model", "fit_detector", "import_detector", "estimate"}:
        return folder.exists() or run.kind == "estimate"
    return any(path.is_relative_to(folder) for path in opened_by(run.pid or 0))


def opened_by(pid: int) -> Iterator[Path]:
    """The files that a process has open. No lock is tried, which would be in its way."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                yield descriptor.readlink()


def ended(installation: Installation, run_id: int) -> Run:
    def look() -> Run | None:
        run = runs.get(installation.queue().database, run_id)
        return run if run.state.is_finished() else None

    found: Run = eventually(look, "the run ends")
    return found
