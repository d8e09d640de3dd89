"""A few held-out prompts that a stage's model is asked while it trains."""

import hashlib
from dataclasses import dataclass

from grice_core.chat.format import Prompt
from grice_core.data.split import holdout_mask
from grice_core.evaluation.sampling import Sampling
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.inputs import PipelineInputs
from grice_core.pipeline.own_answers import prompts_of

NUM_PROMPTS = 4


@dataclass(frozen=True)
class WatchedPrompts:
    """What is asked, and how often."""

    every: int
    """Optimizer steps between two times."""
    asked: tuple[Prompt, ...]
    """None of them is trained on, or evaluated; empty if no prompt is held out."""
    sampling: Sampling

    @classmethod
    def of(cls, config: PipelineConfig, inputs: PipelineInputs) -> "WatchedPrompts | None":
        """As a pipeline's options say, the same prompts in all its stages; None: nothing is to be asked."""
        if not config.sample_every:
            return None
        recipe = config.recipe
        held_out = holdout_mask(inputs.table.prompts, recipe.holdout_share, config.seed)
        may_be_asked = held_out & ~(inputs.evaluated | inputs.leaks)
        found = prompts_of(inputs.table, may_be_asked, NUM_PROMPTS, config.seed)
        asked = () if found is None else tuple(found.asked)
        return cls(config.sample_every, asked, Sampling.of(recipe.evaluation, config.seed))

    @property
    def digest(self) -> str:
        """The same for the same questions."""
        return hashlib.sha256(repr(self).encode()).hexdigest()
