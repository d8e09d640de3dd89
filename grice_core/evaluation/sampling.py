"""How responses are sampled."""

from dataclasses import dataclass

from grice_core.recipes.config import EvaluationConfig


@dataclass(frozen=True)
class Sampling:
    """Everything that a response depends on beside the model and its prompt."""

    temperature: float
    top_p: float
    """Tokens are drawn from the most probable ones that together have this probability (arXiv 1904.09751)."""
    max_new_tokens: int
    seed: int
    samples_per_prompt: int = 1

    @classmethod
    def of(cls, config: EvaluationConfig, seed: int, samples_per_prompt: int = 1) -> "Sampling":
        """As the recipe says."""
        return cls(
            config.temperature, config.top_p, config.max_new_tokens, seed, samples_per_prompt
        )
