"""What runs make, by the role that it plays."""

from grice_core.store import outputs

OUTPUT = outputs.OUTPUT
"""A run's main artifact: for the runs of a pipeline its output folder, as far as it is."""
ADAPTER = "adapter"
"""A stage's adapter for the plain base, as stock PEFT loads it."""
CHECKPOINT = "checkpoint"
"""What a training needs to continue where the home of the worker that began it can't be reached."""
ARCHIVE = "archive"
"""The whole output folder as one zip file."""
ANSWERS = "answers"
"""The journal of a share of answers."""
