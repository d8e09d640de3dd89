"""Adapters on disk: writing one, and composing two into one.

A stage-2 adapter was trained on (base + stage 1), so on the plain base it means nothing alone.
Concatenating the two along the rank gives one LoRA with exactly the sum of their updates:

    B₁A₁·s₁ + B₂A₂·s₂ = [s₁B₁ s₂B₂] · [A₁ ; A₂]

and so for each expert of a weight that holds several.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from grice_core.dpo.hub import loading_errors
from grice_core.errors import ModelError

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Adapter:
    """A LoRA: its configuration and its tensors, named as stock PEFT stores them."""

    config: LoraConfig
    tensors: Tensors


def adapter_of(policy: PeftModel) -> Adapter:
    """The policy's adapter, copied to the CPU."""
    parameters = dict(policy.named_parameters())  # asked for its whole state, a sharded base moves
    state = get_peft_model_state_dict(policy, parameters, save_embedding_layers=False)
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
    return Adapter(policy.peft_config["default"], tensors)


def put_adapter(policy: PeftModel, adapter: Adapter) -> None:
    """Give a policy of the same shape these weights."""
    set_peft_model_state_dict(policy, adapter.tensors)


def compose(first: Adapter, second: Adapter) -> Adapter:
    """One adapter on the base that equals `second` on top of (base + `first`).

    Modules that only one of them changes get zeros for the other's ranks.

    Raises: ModelError, if PEFT can't hold it: they adapt different sets of experts' weights, whose tensors
    are named by their order.
    """
    parameters = [set(each.config.target_parameters or ()) for each in (first, second)]
    if all(parameters) and parameters[0] != parameters[1]:
        raise ModelError(
            "two stages adapt different experts' weights, which one adapter can't hold together"
        )
    rank = first.config.r + second.config.r
    ours, theirs = _updates(first), _updates(second)
    tensors: Tensors = {}
    for module in sorted(ours.keys() | theirs.keys()):
        one = ours.get(module) or _no_update(theirs[module], first.config.r)
        other = theirs.get(module) or _no_update(ours[module], second.config.r)
        a = torch.cat([one.a, other.a], dim=1)
        b = torch.cat([one.b, other.b], dim=1)
        tensors[f"{module}.lora_A.weight"] = a.flatten(0, 1).contiguous()
        tensors[f"{module}.lora_B.weight"] = b.flatten(1, 2).contiguous()
    config = LoraConfig(
        task_type="CAUSAL_LM",
        base_model_name_or_path=first.config.base_model_name_or_path,
        auto_mapping=first.config.auto_mapping,
        r=rank,
        lora_alpha=rank,  # scaling 1: each part's own scaling stands in its B
        lora_dropout=0.0,
        target_modules=_union(first, second),
        target_parameters=sorted(set.union(*parameters)) or None,
        fan_in_fan_out=first.config.fan_in_fan_out,
        inference_mode=True,
    )
    return Adapter(config, tensors)


def save_adapter(adapter: Adapter, folder: Path) -> None:
    """Write an adapter as stock PEFT reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(adapter.tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    adapter.config.save_pretrained(str(folder))


def load_adapter(folder: Path) -> Adapter:
    """Read an adapter that `save_adapter` wrote."""
    with loading_errors("adapter", str(folder)):
        config = LoraConfig.from_pretrained(str(folder))
        return Adapter(config, load_file(folder / "adapter_model.safetensors"))


@dataclass(frozen=True)
class _Update:
    """What an adapter adds to one module's weight, or to that of each of its experts: b · a."""

    a: torch.Tensor
    """(experts, r, in); one expert if the weight is a matrix."""
    b: torch.Tensor
    """(out, r, experts), scaled. PEFT keeps both flat, in these orders."""


def _updates(adapter: Adapter) -> dict[str, _Update]:
    """The adapter's update of each module that it changes."""
    r = adapter.config.r
    scaling = adapter.config.lora_alpha / r
    modules = {name.rsplit(".lora_", 1)[0] for name in adapter.tensors}
    return {
        module: _Update(
            a=_split(adapter.tensors[f"{module}.lora_A.weight"], 0, (-1, r)),
            b=_split(adapter.tensors[f"{module}.lora_B.weight"], 1, (r, -1)) * scaling,
        )
        for module in modules
    }


def _split(tensor: torch.Tensor, dim: int, sizes: tuple[int, int]) -> torch.Tensor:
    """With one dimension as two."""
    return tensor.reshape(*tensor.shape[:dim], *sizes, *tensor.shape[dim + 1 :])


def _no_update(like: _Update, rank: int) -> _Update:
    """Zeros, for a module that only the other adapter changes."""
    num_experts, _, num_in = like.a.shape
    return _Update(
        like.a.new_zeros(num_experts, rank, num_in),
        like.b.new_zeros(like.b.shape[0], rank, num_experts),
    )


def _union(first: Adapter, second: Adapter) -> list[str] | str:
    """Names of the modules that either adapter changes."""
    targets = first.config.target_modules, second.config.target_modules
    if targets[0] == targets[1]:
        return targets[0] if isinstance(targets[0], str) else sorted(targets[0])
    names = {
        name.removeprefix("base_model.model.").rsplit(".lora_", 1)[0]
        for name in (*first.tensors, *second.tensors)
    }
    parameters = (*(first.config.target_parameters or ()), *(second.config.target_parameters or ()))
    owners = {parameter.rpartition(".")[0] for parameter in parameters}
    # Where a module has several such weights, PEFT stacks one wrapper on the other.
    return sorted(name for name in names if name.replace(".base_layer", "") not in owners)
