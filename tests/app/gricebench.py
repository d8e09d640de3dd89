"""The real pairs where they lie beside the project, files of the same kind where they don't."""

from dataclasses import dataclass
from pathlib import Path

from tests.app.samples import write_pairs_file, write_unscored_file

_REAL = Path(__file__).parents[3] / "shared" / "data" / "gricebench"


@dataclass(frozen=True)
class Gricebench:
    """What a new user brings."""

    scored: Path
    unscored: Path
    is_real: bool


def gricebench(folder: Path) -> Gricebench:
    """The files, made in the folder if need be."""
    scored, unscored = _REAL / "scored_pairs.json", _REAL / "unscored_pairs.json"
    if scored.exists() and unscored.exists():
        return Gricebench(scored, unscored, is_real=True)
    scored = write_pairs_file(folder / "scored_pairs.json")
    return Gricebench(scored, write_unscored_file(folder / "unscored_pairs.json"), is_real=False)
