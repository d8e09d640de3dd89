"""Asking for stages to be written for other programs."""

from collections.abc import Callable
from dataclasses import dataclass

from grice_core.errors import InputError
from grice_core.export.choices import Form, WeightDtype
from grice_core.store import model_exports, outputs, pipelines, runs, submission, transitions
from grice_core.store.database import Database
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.submission import RunDraft
from worker.spec import ExportModelSpec, parse_pipeline


@dataclass(frozen=True)
class ModelExports:
    """Exports as the app asks for them."""

    database: Database
    wake: Callable[[], object]
    device: Callable[[], Device]
    """Asked for the class of worker that is to write them."""

    def submit(self, pipeline_id: int, stage: str, form: Form, dtype: WeightDtype) -> int:
        """Ask for a stage; asking twice for the same gives the same run, which continues if it has stopped.

        Returns its id.

        Raises:
            NotAllowedError: a viewer asks.
            NotFoundError: there is no such pipeline, or it has made nothing yet.
            InputError: the stage is not trained, or can't be written so.
        """
        self._check_is_trained(pipeline_id, stage)
        output = outputs.newest_output(self.database, pipeline_id).sha256
        spec = ExportModelSpec(
            pipeline_id=pipeline_id, output=output, stage=stage, form=form, dtype=dtype
        )
        body = spec.model_dump(mode="json")
        draft = RunDraft(f"model-{spec.digest}", RunKind.EXPORT_MODEL, body, self.device(), stage)
        run_id = submission.submit_run(self.database, draft)
        if runs.get(self.database, run_id).state in {RunState.FAILED, RunState.CANCELLED}:
            transitions.resume(self.database, run_id)
        self.wake()
        return run_id

    def _check_is_trained(self, pipeline_id: int, stage: str) -> None:
        recipe = parse_pipeline(pipelines.get(self.database, pipeline_id).spec).recipe
        if stage not in [each.name for each in recipe.stages]:
            raise InputError(f"pipeline {pipeline_id} has no stage {stage!r}")
        training = [
            run for run in runs.of_pipeline(self.database, pipeline_id) if run.stage == stage
        ]
        if any(run.state is not RunState.SUCCEEDED for run in training):
            raise InputError(f"pipeline {pipeline_id} has not trained {stage} yet")

    def remove(self, run_id: int) -> None:
        """Forget an export; see `model_exports.remove`."""
        model_exports.remove(self.database, run_id)
