"""The output folder of a pipeline, as far as it has come."""

from grice_core.errors import NotFoundError
from grice_core.store import pipelines, references, runs
from grice_core.store.artifacts import Address
from grice_core.store.database import Database
from grice_core.store.states import RunState

OUTPUT = "output"
"""Role of the output folder among what a pipeline's run makes."""


def newest_output(database: Database, pipeline_id: int) -> Address:
    """What the last of its runs that succeeded left.

    Raises:
        NotFoundError: there is no such pipeline, or it has made nothing yet.
    """
    pipelines.get(database, pipeline_id)
    chain = runs.of_pipeline(database, pipeline_id)
    done = [run for run in chain if run.state is RunState.SUCCEEDED]
    if not done:
        raise NotFoundError(
            f"pipeline {pipeline_id} has no results yet; `grice runs` shows how far it is"
        )
    return references.of_run(database, done[-1].id)[OUTPUT]
