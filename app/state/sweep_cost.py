"""How long a sweep would take."""

from dataclasses import dataclass

from app.state.launch_plan import LaunchPlan
from app.state.pace import Pace
from grice_core.sweep.cost import Times, times
from grice_core.sweep.search import Search


@dataclass(frozen=True)
class SweepCost:
    """Of all pipelines of a sweep together, with what they share done once."""

    num_pipelines: int
    num_steps: int
    """Optimizer steps."""
    num_answers: int
    seconds: float | None
    """Of work, all workers together; None: not known."""
    share: float
    """Of the steps that as many separate pipelines would take."""


def sweep_cost(search: Search, planned: LaunchPlan, pace: Pace | None) -> SweepCost:
    """What the search takes if all trials are made, each as long as the recipe as it is."""
    often = times(search)
    steps = [stage.num_steps for stage in planned.stages]
    num_steps = _weighted(often, steps)
    half = len(planned.selection.prompts) * planned.samples_per_prompt / 2
    num_answers = round(half * sum(often.asked))
    # Where answers to the other half are asked for, the stages are there already.
    num_separate = often.pipelines * sum(steps)
    seconds = None
    if pace is not None:
        pairs = [stage.num_steps * stage.config.pairs_per_step for stage in planned.stages]
        seconds = (
            pace.per_pair_s * _weighted(often, pairs)
            + pace.per_answer_s * num_answers
            + pace.run_s * planned.num_runs * often.pipelines
        )
    share = num_steps / num_separate if num_separate else 1.0
    return SweepCost(often.pipelines, num_steps, num_answers, seconds, share)


def _weighted(often: Times, of_stages: list[int]) -> int:
    return sum(times * each for times, each in zip(often.trained, of_stages, strict=True))
