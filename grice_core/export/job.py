"""What is exported, and what came of it."""

from dataclasses import dataclass, field
from pathlib import Path

from grice_core.export.choices import Companion, Form, WeightDtype
from grice_core.export.stage import TrainedStage
from grice_core.pipeline.reopening import Places

MANIFEST = "grice_export.json"
"""Written last: what an export is of, and the SHA-256 of each of its files."""


@dataclass(frozen=True)
class ExportJob:
    """One stage in one form."""

    stage: TrainedStage
    form: Form
    out: Path
    """Folder that is made."""
    dtype: WeightDtype = "fp32"
    base_id: str | None = None
    """The base's hub id, for readers who don't have the folder that it was loaded from."""
    is_shared: bool = False
    """Whether people elsewhere will read it."""
    companions: tuple[Companion, ...] = ()
    places: Places = field(default_factory=Places)
    """Where the pipeline's files are now."""

    @property
    def base_is_folder(self) -> bool:
        """Whether readers elsewhere can't know which base is meant, since it is a folder of this machine."""
        return self.base_id is None and _is_folder(self.stage.base)

    @property
    def shown_base(self) -> str:
        """What files call the base; where others read them, never a path of this machine."""
        base = self.base_id or self.stage.base
        return Path(base).name if self.base_is_folder and self.is_shared else base


def _is_folder(base: str) -> bool:
    return Path(base).is_absolute() or base.startswith(".") or Path(base).is_dir()


@dataclass(frozen=True)
class Comparison:
    """An export, read back, beside the model that was evaluated."""

    num_rows: int
    """Texts that both have read."""
    max_difference: float
    """Of a log-probability."""
    tolerance: float
    effect: float
    """Largest change that training made to one of them."""
    is_exact: bool
    """Whether the weights are the same bit for bit."""

    def sentence(self) -> str:
        """For the user."""
        same = "the same weights bit for bit; " if self.is_exact else ""
        if self.max_difference == 0:
            return f"read back: {same}the same log-probabilities of {self.num_rows} texts"
        return (
            f"read back: {same}log-probabilities of {self.num_rows} texts are off by at most "
            f"{self.max_difference:.1e} (allowed {self.tolerance:.1e}; training changed them by up to "
            f"{self.effect:.2g})"
        )
