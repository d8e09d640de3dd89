"""What another judge says about the same answers, beside the one that training optimises against.

A model that was trained on a judge's scores moves its answers to where that judge errs. A second judge, whose errors
are others, stays behind: see `fooled.py` for how that is tested.
"""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from grice_core.evaluation.comparison import CorrectedChange, compared, corrected
from grice_core.evaluation.fooled import JudgesCompared, compare_judges
from grice_core.evaluation.rates import model_rates
from grice_core.evaluation.verdict import Verdict, judge, judge_by_both
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig

TRAINING_JUDGE, SECOND_JUDGE = "training judge", "second judge"
"""What the two are called: who scored the pairs, and who decides beside it."""


@dataclass(frozen=True, eq=False)
class SecondOpinion:
    """A pipeline's answers by another judge."""

    origin: str
    """What the judge is, in words."""
    fingerprint: str
    models: tuple[EvaluatedModel, ...]
    """The same models with the same answers, and this judge's scores and thresholds."""
    warnings: tuple[str, ...] = ()
    """What a reader has to know of it before believing its rates."""

    def changes(self) -> list[CorrectedChange]:
        """Every change by this judge, corrected among themselves."""
        return corrected(compared(self.models))


class Evaluated(Protocol):
    """An evaluation, just made or read from disk."""

    @property
    def models(self) -> tuple[EvaluatedModel, ...]:
        """The baseline, then each stage, by the training judge."""

    @property
    def config(self) -> EvaluationConfig:
        """The criteria of the verdict."""

    @property
    def second(self) -> SecondOpinion | None:
        """The same answers by the second judge; None where there is none."""


def verdict_of(found: Evaluated) -> Verdict:
    """The verdict; where there is a second judge, it is met only if it is met by both."""
    if found.second is None:
        return judge(found.models, found.config)
    return judge_by_both(found.models, found.second.models, found.config)


def judges_of(found: Evaluated) -> list[JudgesCompared]:
    """How the two judges' words compare, for every stage and measure; empty without a second judge."""
    return [] if found.second is None else compare_judges(found.models, found.second.models)


def second_document(found: Evaluated) -> dict[str, Any]:
    """All that the second judge says, as plain data; nothing where there is none."""
    second = found.second
    if second is None:
        return {}
    return {
        "second_judge": {
            "origin": second.origin,
            "fingerprint": second.fingerprint,
            "warnings": list(second.warnings),
            "thresholds": dict(zip(MAXIMS, second.models[0].thresholds.tolist(), strict=True)),
            "models": [{"name": each.name, "rates": _rates(each)} for each in second.models],
            "changes": [change.document() for change in second.changes()],
            "states": {
                TRAINING_JUDGE: judge(found.models, found.config).state,
                SECOND_JUDGE: judge(second.models, found.config).state,
            },
            "agreement": [each.document() for each in judges_of(found)],
        }
    }


def _rates(model: EvaluatedModel) -> dict[str, Any]:
    return {str(measure): asdict(rate) for measure, rate in model_rates(model).items()}
