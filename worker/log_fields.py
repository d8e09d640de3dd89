"""What logs say of a run."""

from typing import Any

from grice_core.store.tables import Run


def about(run: Run) -> dict[str, Any]:
    """Numbers and kinds, by which logs are searched."""
    return {
        "run": run.id,
        "pipeline": run.pipeline_id,
        "kind": run.kind,
        "stage": run.stage,
        "attempt": run.attempt,
    }
