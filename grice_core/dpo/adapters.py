"""Adapters on disk: writing one, and composing two into one.

A stage-2 adapter was trained on (base + stage 1), so on the plain base it means nothing alone.
Concatenating the two along the rank gives one LoRA with exactly the sum of their updates:

    B₁A₁·s₁ + B₂A₂·s₂ = [s₁B₁ s₂B₂] · [A₁ ; A₂]
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from grice_core.dpo.hub import loading_errors

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


def compose(first: Adapter, second: Adapter) -> Adapter:
    """One adapter on the base that equals `second` on top of (base + `first`).

    Modules that only one of them changes get zeros for the other's ranks.
    """
    rank = first.config.r + second.config.r
    ours, theirs = _updates(first), _updates(second)
    tensors: Tensors = {}
    for module in sorted(ours.keys() | theirs.keys()):
        one = ours.get(module) or _no_update(theirs[module], first.config.r)
        other = theirs.get(module) or _no_update(ours[module], second.config.r)
        tensors[f"{module}.lora_A.weight"] = torch.cat([one.a, other.a])
        tensors[f"{module}.lora_B.weight"] = torch.cat([one.b, other.b], dim=1)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        base_model_name_or_path=first.config.base_model_name_or_path,
        r=rank,
        lora_alpha=rank,  # scaling 1: each part's own scaling stands in its B
        lora_dropout=0.0,
        target_modules=_union(first, second),
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
    """What an adapter adds to one module's weight: b · a."""

    a: torch.Tensor
    """(r, in)."""
    b: torch.Tensor
    """(out, r), scaled."""


def _updates(adapter: Adapter) -> dict[str, _Update]:
    """The adapter's update of each module that it changes."""
    scaling = adapter.config.lora_alpha / adapter.config.r
    modules = {name.rsplit(".lora_", 1)[0] for name in adapter.tensors}
    return {
        module: _Update(
            a=adapter.tensors[f"{module}.lora_A.weight"],
            b=adapter.tensors[f"{module}.lora_B.weight"] * scaling,
        )
        for module in modules
    }


def _no_update(like: _Update, rank: int) -> _Update:
    """Zeros, for a module that only the other adapter changes."""
    return _Update(like.a.new_zeros(rank, like.a.shape[1]), like.b.new_zeros(like.b.shape[0], rank))


def _union(first: Adapter, second: Adapter) -> list[str] | str:
    """Names of the modules that either adapter changes."""
    targets = first.config.target_modules, second.config.target_modules
    if targets[0] == targets[1]:
        return targets[0] if isinstance(targets[0], str) else sorted(targets[0])
    return sorted(
        {
            name.removeprefix("base_model.model.").rsplit(".lora_", 1)[0]
            for name in (*first.tensors, *second.tensors)
        }
    )
