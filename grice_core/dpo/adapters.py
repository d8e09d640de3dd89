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
    state = get_peft_model_state_dict(policy, save_embedding_layers=False)
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
    return Adapter(policy.peft_config["default"], tensors)


def compose(first: Adapter, second: Adapter) -> Adapter:
    """One adapter on the base that equals `second` on top of (base + `first`).

    Modules that only one of them changes get zeros for the other's ranks.
    """
    rank = first.config.r + second.config.r
    modules = sorted({name.rsplit(".lora_", 1)[0] for name in (*first.tensors, *second.tensors)})
    tensors: Tensors = {}
    for module in modules:
        parts = [_module(adapter, module) for adapter in (first, second)]
        known = next(part for part in parts if part is not None)
        tensors[f"{module}.lora_A.weight"] = torch.cat(
            [_a(part, known, adapter) for part, adapter in zip(parts, (first, second), strict=True)]
        )
        tensors[f"{module}.lora_B.weight"] = torch.cat(
            [
                _b(part, known, adapter)
                for part, adapter in zip(parts, (first, second), strict=True)
            ],
            dim=1,
        )
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


_Pair = tuple[torch.Tensor, torch.Tensor]


def _module(adapter: Adapter, module: str) -> _Pair | None:
    if f"{module}.lora_A.weight" not in adapter.tensors:
        return None
    return (
        adapter.tensors[f"{module}.lora_A.weight"],
        adapter.tensors[f"{module}.lora_B.weight"],
    )


def _a(part: _Pair | None, known: _Pair, adapter: Adapter) -> torch.Tensor:
    """(r, in) of one adapter for a module, zeros where it leaves the module alone."""
    return part[0] if part else torch.zeros(adapter.config.r, known[0].shape[1])


def _b(part: _Pair | None, known: _Pair, adapter: Adapter) -> torch.Tensor:
    """(out, r) of one adapter for a module, scaled, zeros where it leaves the module alone."""
    scaling = adapter.config.lora_alpha / adapter.config.r
    return part[1] * scaling if part else torch.zeros(known[1].shape[0], adapter.config.r)


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
