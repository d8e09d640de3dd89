"""Data sets scored as runs, then kept for everybody beside the unscored ones."""

from pathlib import Path

from grice_core.data.columnar import read_pairs, write_pairs
from grice_core.detector.load import load_detector
from grice_core.detector.pairs import score_pairs
from grice_core.kernels.precision import resolve_device
from grice_core.registry import Keeper
from grice_core.store.kept import kept_work
from grice_core.store.tables import JsonObject
from worker.jobs.context import JobContext
from worker.spec import parse_score_data


def score_data(context: JobContext) -> JsonObject:
    """Score the unscored pairs of a data set; what an attempt before has scored is taken over."""
    spec = parse_score_data(context.run.spec)
    reporter = context.reporting.reporter(lambda _, done, total: (done, total))
    detector = load_detector(
        context.fetch_detector(spec.detector), resolve_device(context.device), spec.precision
    )
    scored = score_pairs(
        detector,
        read_pairs(context.fetch_data(spec.data).path),
        context.workspace.path / "scores.partial",
        progress=reporter.interruptible,
        kept=kept_work(),
    )
    path = context.workspace.path / "scored.parquet"
    write_pairs(path, scored.table)
    name = f"{Path(spec.data.name).stem}, scored by {spec.detector.name}"
    # Checked anew: only now it is known which pairs teach nothing.
    data_set = Keeper(context.database, context.artifacts).keep_pairs(path, name)
    return {
        "data_set_id": data_set.id,
        "num_scored": scored.num_scored,
        "num_cut": scored.num_cut,
        "remarks": [scored.note] if scored.note else [],
    }
