"""The policy: a base model with a trainable adapter, and the reference inside it.

The reference is the same weights with the adapter off, so the two can never drift apart by
accident: there is no second model that LoRA could have been injected into.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners import lora
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from grice_core.dpo.base import BaseModel
from grice_core.dpo.hub import first_line, loading_errors
from grice_core.dpo.targets import Targets, linear_targets
from grice_core.errors import ModelError, RecipeError
from grice_core.kernels.dropout import BulkDropout
from grice_core.kernels.linear import Update
from grice_core.kernels.lora import fuse_lora
from grice_core.kernels.stored import is_stored, seen_as_fp32, weights_format
from grice_core.recipes.config import LoraSettings

BASE_DTYPE = "base_dtype"
"""In an adapter's configuration: in which number format the weights were held that it was trained on."""


def add_adapter(
    base: BaseModel, settings: LoraSettings, seed: int, *, fuses: bool = True
) -> PeftModel:
    """The base with a fresh adapter, which changes nothing yet (B = 0), drawn from the seed.

    With `fuses`, a layer on a CPU and its adapter become one operation that keeps the layer's weight.

    Raises: RecipeError, if the base doesn't have the modules that the recipe names.
    """
    config = _lora_config(base.model, settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            with seen_as_fp32(base.model):
                policy = get_peft_model(base.model, config)
        except (ValueError, TypeError) as error:
            raise RecipeError(
                f"lora.target_modules: {base.name} can't be adapted at {settings.target_modules!r} "
                f"({first_line(error)})"
            ) from error
    if any("lora_embedding" in name for name, _ in policy.named_parameters()):
        raise RecipeError(
            f"lora.target_modules: {settings.target_modules!r} names an embedding, whose adapter "
            "can't be composed with another stage's: name linear layers only"
        )
    config = policy.peft_config["default"]
    config.base_model_name_or_path = base.name
    config.auto_mapping = _fits(base)
    _add_dropout(policy, settings.dropout)
    if policy.device.type == "cpu" and fuses:
        fuse_lora(policy)
    return policy


def _lora_config(model: PreTrainedModel, settings: LoraSettings) -> LoraConfig:
    if isinstance(settings.target_modules, str):
        targets = linear_targets(model)
    else:
        targets = Targets(settings.target_modules, ())
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.r,
        lora_alpha=settings.alpha,
        # An expert's weight is adapted as a parameter, which PEFT refuses to give a dropout, and with it
        # the whole adapter; the linear layers beside it get theirs in `_add_dropout`.
        lora_dropout=0.0 if targets.parameters else settings.dropout,
        target_modules=list(targets.modules),
        target_parameters=list(targets.parameters) or None,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )


def _fits(base: BaseModel) -> dict[str, str]:
    """What an adapter is for, besides the base's name, as far as PEFT's configuration has a place for it."""
    kind = type(base.model)
    return {
        "base_model_class": kind.__name__,
        "parent_library": kind.__module__,
        BASE_DTYPE: weights_format(base.model),
    }


def _add_dropout(policy: PeftModel, p: float) -> None:
    """Let each adapted linear layer drop this share of what its adapter sees; on a CPU drawn in bulk."""
    kind = BulkDropout if policy.device.type == "cpu" else nn.Dropout
    for module in policy.modules():
        if p and isinstance(module, lora.Linear):
            module.lora_dropout["default"] = kind(p)


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
    """The base with this policy's adapter folded into the weights, in place; beside those that are stored
    in a format which would round it away."""
    for name, module in list(policy.named_modules()):
        if isinstance(module, lora.Linear) and is_stored(module.get_base_layer()):
            _keep_beside(module)
            policy.set_submodule(name, module.get_base_layer())
    return replace(base, model=policy.merge_and_unload().eval())


def _keep_beside(module: lora.Linear) -> None:
    """Add an adapter to its layer as an update."""
    a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
    update = Update(a.detach().t().clone(), b.detach().t() * module.scaling["default"])
    update.add_to(module.get_base_layer())


def merge_saved(base: BaseModel, adapter: Path) -> BaseModel:
    """The base with an adapter from disk folded into its weights, in place.

    Raises: ModelError, if the folder holds none, or one for another model.
    """
    return merge_adapter(base, attach_saved(base, adapter))


def attach_saved(base: BaseModel, adapter: Path) -> PeftModel:
    """The base with an adapter from disk beside its weights, as stock PEFT loads it.

    Raises: ModelError, if the folder holds none, or one for another model.
    """
    with loading_errors("adapter", str(adapter)), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with seen_as_fp32(base.model):
            policy = PeftModel.from_pretrained(base.model, str(adapter))
    unfit = [str(each.message) for each in said if "adapter keys" in str(each.message)]
    if unfit:
        raise ModelError(
            f"the adapter {adapter} does not fit {base.name}: some of its weights have no place there or "
            "are missing. Give the base model that it was trained on"
        )
    return policy
