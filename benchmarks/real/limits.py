"""What a judge and the data allow before anything is trained: ceiling, reach, power.

ceiling  how many cooperative answers the judge calls cooperative, so what a faultless model would get
reach    how many prompts have a cooperative answer among k of the base's own
power    the smallest change that so many prompts can tell
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from benchmarks.real.asking import Judges, ask_base, evaluated_prompts
from benchmarks.real.ceiling import Ceiling, find_ceiling
from benchmarks.real.reach import Power, Reach, powers, reaches
from benchmarks.real.steps import Workshop
from grice_core.kernels.precision import Precision

TRAINED_AGAINST = "training judge"


@dataclass(frozen=True)
class Limits:
    """All of it; by judge where judges differ."""

    num_prompts: int
    num_answers: int
    """k, to each prompt."""
    unfinished: float
    """Share of the answers that were cut at the token limit."""
    ceiling: Mapping[str, Ceiling]
    reach: Mapping[str, Reach]
    power: Mapping[str, Power]
    """By measure, by the training judge."""
    max_regression: float
    min_cooperative: float

    def document(self) -> dict[str, object]:
        """As JSON; rates are fractions."""
        return asdict(self)


def find_limits(workshop: Workshop, precision: Precision, num_answers: int) -> Limits:
    """Judge labelled texts and the data's responses, then ask the base.

    Raises: GriceError.
    """
    judges, selection = Judges.of(workshop), evaluated_prompts(workshop)
    ceilings = {
        name: find_ceiling(judge, workshop.data, selection)
        for name, judge in judges.named().items()
    }
    asked = ask_base(workshop, judges, selection, precision, num_answers)
    by_judge = dict(zip(ceilings, filter(None, (asked.sampled.answers, asked.second)), strict=True))
    config = workshop.recipe().evaluation
    first = by_judge[TRAINED_AGAINST]
    return Limits(
        num_prompts=len(selection.prompts),
        num_answers=num_answers,
        unfinished=len(first.cut) / len(first.responses),
        ceiling=ceilings,
        reach=reaches(by_judge, {name: one.one_threshold.value for name, one in ceilings.items()}),
        power=powers(first, config.max_regression),
        max_regression=config.max_regression,
        min_cooperative=config.min_cooperative,
    )
