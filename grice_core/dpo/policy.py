"""The policy: a base model with a trainable adapter, and the reference inside it.

The reference is the same weights with the adapter off, so the two can never drift apart by
accident: there is no second model that LoRA could have been injected into.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from grice_core.dpo.hub import first_line, loading_errors
from grice_core.dpo.lean import draw_dropout_in_bulk, fuse_activations
from grice_core.dpo.lora import fuse_lora
from grice_core.errors import RecipeError
from grice_core.memory import keep_few_kernels
from grice_core.recipes.config import LoraSettings

GPT2_TARGETS = ("c_attn", "c_proj", "c_fc")


@dataclass(frozen=True)
class BaseModel:
    """A causal language model and its tokenizer."""

    name: str
    """Hub id or folder that it was loaded from."""
    model: PreTrainedModel
    tokenizer: Any

    @property
    def max_positions(self) -> int | None:
        """Longest sequence that the model has positions for, if it says so."""
        return getattr(self.model.config, "max_position_embeddings", None)


def load_base(name: str, device: torch.device) -> BaseModel:
    """Load a base model in float32 (precision is the forward pass's business) and its tokenizer.

    Raises: ModelError, naming what is missing.
    """
    keep_few_kernels()
    with loading_errors("base model", name):
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            name, trust_remote_code=False, dtype=torch.float32
        )
    fuse_activations(model)
    return BaseModel(name, model.to(device).eval(), tokenizer)


def add_adapter(
    base: BaseModel, settings: LoraSettings, seed: int, *, fuses: bool = True
) -> PeftModel:
    """The base with a fresh adapter, which changes nothing yet (B = 0), drawn from the seed.

    With `fuses`, a layer on a CPU and its adapter become one operation that keeps the layer's weight.

    Raises: RecipeError, if the base doesn't have the modules that the recipe names.
    """
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=_targets(base.model, settings),
        fan_in_fan_out=_is_gpt2(base.model),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            policy = get_peft_model(base.model, config)
        except ValueError as error:
            raise RecipeError(
                f"lora.target_modules: {base.name} can't be adapted at {settings.target_modules!r} "
                f"({first_line(error)})"
            ) from error
    if any("lora_embedding" in name for name, _ in policy.named_parameters()):
        raise RecipeError(
            f"lora.target_modules: {settings.target_modules!r} names an embedding, whose adapter "
            "can't be composed with another stage's: name linear layers only"
        )
    policy.peft_config["default"].base_model_name_or_path = base.name
    if policy.device.type == "cpu":
        draw_dropout_in_bulk(policy)
        if fuses:
            fuse_lora(policy)
    return policy


def train_adapter_only(policy: PeftModel) -> None:
    """LoRA dropout on, the base's own dropout off: noise belongs in the part that is learned."""
    for name, module in policy.named_modules():
        is_dropout = name.endswith("lora_dropout.default")
        if module.training != is_dropout:  # setting it is what takes long, and each step asks
            module.training = is_dropout


@contextmanager
def reference(policy: PeftModel) -> Iterator[PeftModel]:
    """The policy with its adapter off and nothing random: what it is compared to."""
    policy.eval()
    with policy.disable_adapter(), torch.no_grad():
        yield policy


def merge_adapter(base: BaseModel, policy: PeftModel) -> BaseModel:
    """The base for the next stage: this policy's adapter folded into the weights, in place."""
    return BaseModel(base.name, policy.merge_and_unload().eval(), base.tokenizer)


def merge_saved(base: BaseModel, adapter: Path) -> BaseModel:
    """The base with an adapter from disk folded into its weights, in place."""
    with loading_errors("adapter", str(adapter)):
        policy = PeftModel.from_pretrained(base.model, str(adapter))
    return merge_adapter(base, policy)


def _targets(model: PreTrainedModel, settings: LoraSettings) -> str | list[str]:
    if settings.target_modules == "auto":
        return list(GPT2_TARGETS) if _is_gpt2(model) else "all-linear"
    if settings.target_modules == "all-linear":
        return "all-linear"
    return list(settings.target_modules)


def _is_gpt2(model: PreTrainedModel) -> bool:
    return bool(model.config.model_type == "gpt2")
