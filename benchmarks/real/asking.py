"""The base's own answers to the evaluated prompts, several to each, by both judges; nothing is trained."""

from dataclasses import dataclass

from benchmarks.real.steps import Workshop
from grice_core.chat.choice import FormatChoice
from grice_core.cli.terminal import progress_bars
from grice_core.data.load import load_pairs, load_prompts
from grice_core.detector.judge import Detector
from grice_core.detector.load import load_detector
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection, select_prompts
from grice_core.kept import NothingKept
from grice_core.kernels.precision import (
    Precision,
    resolve_base_dtype,
    resolve_device,
    resolve_precision,
)
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.own_answers import AskedByBoth, AskedHow, Sampler
from grice_core.pipeline.published import StageModels
from grice_core.progress import Reporter

SEED = 0
"""As `grice pipeline` has it unless it is given another one."""


@dataclass(frozen=True, eq=False)
class Judges:
    """The training judge, and the second one if there is one."""

    first: Detector
    second: Detector | None

    @classmethod
    def of(cls, workshop: Workshop) -> "Judges":
        """Those of a workshop, in fp32 whatever precision the base has.

        Raises: DetectorError.
        """
        device = resolve_device(workshop.device)
        other = workshop.second_judge
        return cls(
            load_detector(workshop.detector, device, "fp32"),
            None if other is None else load_detector(other, device, "fp32"),
        )

    def named(self) -> dict[str, Detector]:
        """By what tables call them."""
        found = {"training judge": self.first}
        return found if self.second is None else found | {"second judge": self.second}


def evaluated_prompts(workshop: Workshop) -> PromptSelection:
    """Those that a pipeline of this recipe asks.

    Raises: DataError.
    """
    return select_prompts(
        load_prompts(workshop.data.prompts),
        load_pairs(workshop.data.pairs).table.prompts,
        policy="drop-eval",
        num_prompts=workshop.recipe().evaluation.num_prompts,
        seed=SEED,
    )


def ask_base(
    workshop: Workshop,
    judges: Judges,
    selection: PromptSelection,
    precision: Precision,
    num_answers: int,
) -> AskedByBoth:
    """Sampled as in the evaluation; what an interrupted call has written is taken over.

    Raises: ModelError, OutputError, InterruptedRunError.
    """
    recipe, device = workshop.recipe(), resolve_device(workshop.device)
    dtype = resolve_precision(precision, device)
    folder = workshop.out / f"own-answers-{precision}"
    folder.mkdir(parents=True, exist_ok=True)
    output = OutputFolder(folder)
    held_in = resolve_base_dtype("auto", dtype, sharded=False)
    models = StageModels(str(workshop.base), device, output, held_in, may_fall_back=True)
    sampling = Sampling.of(recipe.evaluation, SEED, num_answers)
    with progress_bars() as progress:
        how = AskedHow(
            dtype,
            FormatChoice.at(recipe.prompt_format, None),
            None,
            NothingKept(),
            Reporter(progress),
        )
        sampler = Sampler(models, output, judges.first, judges.second, how)
        return sampler.ask(None, selection, sampling)
