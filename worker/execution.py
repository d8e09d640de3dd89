"""Doing one run: fetch what it needs, call the library, keep what it made, say how it ended."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from grice_core.account import account_name
from grice_core.errors import GriceError, InterruptedRunError, StaleOwnerError
from grice_core.store import logs, runs, transitions
from grice_core.store.actors import Actor, Role
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.states import RunKind
from grice_core.store.tables import JsonObject, Run
from grice_core.structured_log import say
from worker.failures import in_words, without_folders
from worker.jobs import detectors, estimating, exporting, pipelines, sampling, scoring
from worker.jobs.context import JobContext
from worker.log_fields import about


@dataclass(frozen=True)
class Job:
    """One run, claimed, and where everything is."""

    database: Database
    artifacts: ArtifactStore
    home: Path
    claim: Claim
    log: Path
    stop: Event
    """Set when this process is asked to end."""


JOBS: dict[RunKind, Callable[[JobContext], JsonObject]] = {
    RunKind.SCORE: pipelines.score,
    RunKind.TRAIN: pipelines.train,
    RunKind.EVALUATE: pipelines.evaluate,
    RunKind.EXPORT: pipelines.export,
    RunKind.FIT_DETECTOR: detectors.fit,
    RunKind.IMPORT_DETECTOR: detectors.import_detector,
    RunKind.SCORE_DATA: scoring.score_data,
    RunKind.ESTIMATE: estimating.estimate,
    RunKind.EXPORT_MODEL: exporting.export_model,
    RunKind.SAMPLE: sampling.sample,
}


def execute(job: Job) -> int:
    """Do the run and say how it ended; returns the process's exit status."""
    try:
        run = runs.get(job.database, job.claim.run_id)
        say(f"run {run.id}: the job begins", "job begins", **about(run))
        _do(replace(job, database=job.database.acting_as(_for_whom(run))), run)
    except StaleOwnerError as error:
        _print(str(error))
        return 1
    except GriceError as error:  # the database itself: its worker sees that nothing was said
        _print(str(error))
        return 1
    say(f"run {run.id}: the job has ended", "job ended", **about(run))
    return 0


def _for_whom(run: Run) -> Actor:
    """What a run adds to the store is added by whoever asked for it, and was allowed to."""
    return Actor(run.started_by or account_name(), Role.ADMIN, f"run {run.id}")


def _do(job: Job, run: Run) -> None:
    context = JobContext(job.database, job.artifacts, job.home, job.claim, run, job.stop)
    try:
        result = JOBS[run.kind](context)
        context.reporting.close()
    except StaleOwnerError:
        raise
    except InterruptedRunError as error:
        _print(str(error))
        context.reporting.close()
        _publish_log(job)
        _stopped(job)
    except Exception as error:  # whatever it is, the user sees it
        if not isinstance(error, GriceError):
            traceback.print_exc()
        reason = without_folders(in_words(error, run.id), job.home)
        _print(reason)
        _keep_last_steps(context)
        _publish_log(job)
        transitions.fail(job.database, job.claim, reason)
    else:
        _publish_log(job)
        transitions.finish(job.database, job.claim, result)
        context.workspace.remove()


def _keep_last_steps(context: JobContext) -> None:
    """Store the steps before a failure: they show how it came about."""
    try:
        context.reporting.close()
    except StaleOwnerError:
        raise
    except GriceError as error:  # a full disk must not hide why the run failed
        _print(f"the last steps could not be kept: {error}")


def _stopped(job: Job) -> None:
    """A user asked for this run to stop, or its worker shuts down."""
    if runs.get(job.database, job.claim.run_id).stop_requested:
        transitions.acknowledge_stop(job.database, job.claim)
    else:
        transitions.give_back(job.database, job.claim)


def _publish_log(job: Job) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        logs.publish(job.database, job.artifacts.objects, job.claim, job.log)
    except StaleOwnerError:
        raise
    except (GriceError, OSError) as error:  # a full disk must not hide why the run ended
        _print(f"the log could not be kept: {error}")


def _print(message: str) -> None:
    print(message, flush=True)  # noqa: T201 - into the run's log
