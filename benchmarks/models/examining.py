"""What a worker does: it alone needs torch."""

from pathlib import Path
from typing import Any, Literal, cast


def examine(name: str, precision: str, folder: Path) -> Any:
    """The row of a type, which may fill this empty folder."""
    from tests.models import examine as examining

    return examining.examine(name, cast(Literal["fp32", "bf16"], precision), folder)
