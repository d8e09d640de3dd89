"""What happened at each optimizer step, as JSON lines."""

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from grice_core.dpo.metrics import Metrics


class HistoryFile:
    """Appends one line per step, each on disk's doorstep before the next step begins."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, record: Metrics) -> None:
        """Write one step's record."""
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
