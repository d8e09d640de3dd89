"""What runs make, by the role that it plays, and what they are called."""

from grice_core.store.tables import Run

OUTPUT = "output"
"""A run's main artifact: for the runs of a pipeline its output folder, as far as it is."""
ADAPTER = "adapter"
"""A stage's adapter for the plain base, as stock PEFT loads it."""
CHECKPOINT = "checkpoint"
"""What a training needs to go on where the home of the worker that began it can't be reached."""
ARCHIVE = "archive"
"""The whole output folder as one zip file."""


def describe(run: Run) -> str:
    """What a run does, as in "train stage2"."""
    return " ".join(filter(None, [run.kind.replace("_", " "), run.stage]))
