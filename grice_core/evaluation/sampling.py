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


def options_elsewhere(config: EvaluationConfig) -> dict[str, float]:
    """What other programs have to be told to draw alike, in transformers' and vLLM's names.

    It switches off what their defaults, or a base's own generation_config.json, would do besides.
    """
    return {
        "temperature": config.temperature,
        "top_p": config.top_p,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
    }
