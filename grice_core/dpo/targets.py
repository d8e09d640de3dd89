"""What a stage's LoRA adapts: linear layers, and experts that are kept as one three-dimensional weight.

PEFT's own `all-linear` also wraps routers and layers whose weight is read past their forward pass, and
turns experts into something that two adapters can't be composed of; here each is named by itself.
"""

import copy
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from peft.tuners.lora import LoraLayer, ParamWrapper
from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers
from torch import nn
from transformers import PreTrainedModel

from grice_core.kernels.linear import is_linear
from grice_core.kernels.nf4 import num_weights

_ROUTERS = ("router", "gate")
"""Names of layers that choose experts: a hair's breadth there sends a token elsewhere."""
_READ_BY_KERNELS = ("out_proj", "x_proj", "dt_proj")
"""Layers of a Mamba mixer whose weight its kernels read, so that they would pass an adapter by."""


@dataclass(frozen=True)
class Targets:
    """What is adapted, as PEFT wants it named."""

    modules: tuple[str, ...]
    """Linear layers: last parts of their names where these fit no other module, else whole names."""
    parameters: tuple[str, ...]
    """Weights that PEFT adapts as parameters: experts', and layers that it would take for experts'."""


@dataclass(frozen=True)
class Reach:
    """How much of a model its adapter reaches."""

    share: float
    """Of the weights that are no embedding (and not the last layer over the vocabulary)."""
    left_out: tuple[str, ...]
    """The largest of the others, layer numbers as *, with their share: `mlp.router.weight 0.4 %`."""


def linear_targets(model: PreTrainedModel) -> Targets:
    """All layers of the model that a LoRA can be put on exactly."""
    head = model.get_output_embeddings()
    every = dict(model.named_modules())
    holders = Counter(
        id(parameter) for module in every.values() for parameter in module.parameters(recurse=False)
    )
    chosen = [
        name
        for name, module in every.items()
        if module is not head
        and _is_linear(module)
        and not _is_special(name, every)
        # Merged, two layers' adapters would both change a weight that the layers share.
        and holders[id(module.weight)] == 1
    ]
    experts = [f"{name}.{weight}" for name, weight in _expert_weights(every)]
    chosen, taken_for_experts = _kept_by_peft(model, chosen)
    parameters = [*experts, *(f"{name}.weight" for name in taken_for_experts)]
    return Targets(_short(chosen, every), tuple(sorted(parameters)))


def reach_of(policy: PeftModel) -> Reach:
    """What the policy's adapter changes, measured on the policy."""
    reached = {id(weight) for weight in _adapted(policy)}
    model = policy.get_base_model()
    embeddings = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding) or module is model.get_output_embeddings()
        for parameter in module.parameters(recurse=False)
    }
    sizes: dict[str, int] = defaultdict(int)
    total = reached_size = 0
    for name, parameter in model.named_parameters():
        if ".lora_" in name or id(parameter) in embeddings:
            continue
        total += num_weights(parameter)
        if id(parameter) in reached:
            reached_size += num_weights(parameter)
        else:
            sizes[_general(name)] += num_weights(parameter)
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:3]
    total = max(total, 1)
    left_out = tuple(f"{name} {size / total:.1%}" for name, size in largest if size / total > 0.01)
    return Reach(reached_size / total, left_out)


def _adapted(policy: PeftModel) -> Iterable[torch.Tensor]:
    for module in policy.modules():
        if isinstance(module, ParamWrapper):
            yield module.get_param()
        elif isinstance(module, LoraLayer):
            yield module.get_base_layer().weight


def _is_linear(module: nn.Module) -> bool:
    """Whether it is a linear layer; of a subclass it is tried."""
    if is_linear(module):
        return True
    if not isinstance(module, nn.Linear):
        return False
    x = torch.randn(2, 3, module.in_features, generator=torch.Generator().manual_seed(0))
    x = x.to(module.weight.device, module.weight.dtype)
    try:
        with torch.no_grad():
            out = module(x)
    except (RuntimeError, ValueError, TypeError):
        return False
    expected = nn.functional.linear(x, module.weight, module.bias)
    same_shape = isinstance(out, torch.Tensor) and out.shape == expected.shape
    return same_shape and torch.allclose(out, expected, rtol=1e-4, atol=1e-5)


def _is_special(name: str, every: dict[str, nn.Module]) -> bool:
    parent, _, leaf = name.rpartition(".")
    if any(part in _ROUTERS for part in name.split(".")[-2:]):
        return True
    mixer = every[parent]
    return leaf in _READ_BY_KERNELS and hasattr(mixer, "A_log") and hasattr(mixer, "D")


def _expert_weights(every: dict[str, nn.Module]) -> Iterable[tuple[str, str]]:
    """(module, parameter) names of experts' weights: (experts, in, out) or (experts, out, in)."""
    for name, module in every.items():
        has_layer = isinstance(module, nn.Linear | nn.Embedding | nn.modules.conv._ConvNd)
        if has_layer or not ("expert" in name or "Expert" in type(module).__name__):
            continue
        for weight, parameter in module.named_parameters(recurse=False):
            if parameter.ndim == 3:
                yield name, weight


def _kept_by_peft(model: PreTrainedModel, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those modules that PEFT adapts as such, and those that it takes for the experts of an older layout
    of this architecture since they share their names (a dense layer's `gate_proj` beside experts)."""
    config = LoraConfig(task_type="CAUSAL_LM", target_modules=list(names))
    as_read = copy.deepcopy(config)
    try:
        convert_peft_config_for_transformers(as_read, model=model, conversions=None)
    except ValueError:  # some, but not all of what it would fuse
        mistaken = [name for name in names if _is_mistaken(model, name)]
        return [name for name in names if name not in mistaken], mistaken
    kept = set(as_read.target_modules)
    return [n for n in names if n in kept], [n for n in names if n not in kept]


def _is_mistaken(model: PreTrainedModel, name: str) -> bool:
    config = LoraConfig(task_type="CAUSAL_LM", target_modules=[name])
    try:
        convert_peft_config_for_transformers(config, model=model, conversions=None)
    except ValueError:
        return True
    return name not in set(config.target_modules or ())


def _short(chosen: Sequence[str], every: dict[str, Any]) -> tuple[str, ...]:
    """The last parts of the names, where they mean these modules and no others."""
    leaves = defaultdict(set)
    for name in every:
        leaves[name.rpartition(".")[2]].add(name)
    wanted = set(chosen)
    short = {leaf for leaf in {n.rpartition(".")[2] for n in chosen} if leaves[leaf] <= wanted}
    rest = {name for name in chosen if name.rpartition(".")[2] not in short}
    return tuple(sorted(short | rest))


def _general(name: str) -> str:
    """A parameter's name for all layers at once, without what every name begins with."""
    name = name.replace(".base_layer", "").replace(".original", "")
    return re.sub(r"\.\d+(?=\.)", ".*", name).removeprefix("model.")
