"""Evaluations in the artifact store."""

import tempfile
from pathlib import Path

from grice_core.errors import DataError
from grice_core.evaluation.preference_shift import PAIRS_FILE
from grice_core.evaluation.results import EVALUATION_FILE, GENERATIONS_FILE
from grice_core.evaluation.stored import RUN_FILE, StoredEvaluation, read_evaluation
from grice_core.store.artifacts import ArtifactStore

_NEEDED = {RUN_FILE, EVALUATION_FILE, GENERATIONS_FILE, PAIRS_FILE}


def open_evaluation(
    artifacts: ArtifactStore, sha256: str, scratch: Path | None = None
) -> StoredEvaluation:
    """Read the evaluation in a pipeline's output folder.

    Args:
        scratch: where files lie while they are read; None: the system's folder for them.

    Raises:
        ArtifactError: the folder is missing or damaged.
        DataError: it holds no evaluation.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for entry in artifacts.folder(sha256):
            if Path(entry.path).name in _NEEDED:
                artifacts.fetch_file(entry.sha256, Path(folder) / entry.path)
        try:
            return read_evaluation(Path(folder))
        except DataError as error:  # which names a folder that no one knows
            raise DataError(str(error).replace(folder, "its output folder")) from None
