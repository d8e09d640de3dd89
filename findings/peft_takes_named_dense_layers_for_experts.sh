#!/usr/bin/env bash
# PEFT 0.21.2 with transformers 5.23.0: on Qwen3-MoE (and others whose checkpoints once had Qwen2-MoE's layout), a
# dense layer's gate_proj, up_proj and down_proj that `target_modules` names in full are not adapted. Their last names
# are read as those of the experts in that layout, so the fused weights of all experts are adapted instead, at twice the
# rank for gate and up. The only warning is about a pattern for alpha that matched nothing.
# Seen: asked for the dense layer 0 alone, LoRA sits on the experts of layer 1 and on nothing else.
# Exit status 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0 peft==0.21.2
"$folder/venv/bin/python" - <<'PY'
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

config = AutoConfig.for_model(
    "qwen3_moe", vocab_size=64, hidden_size=32, intermediate_size=48, moe_intermediate_size=24, num_experts=4,
    num_experts_per_tok=2, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
    mlp_only_layers=[0],
)
model = AutoModelForCausalLM.from_config(config)
asked = [f"model.layers.0.mlp.{name}_proj" for name in ("gate", "up", "down")]
assert all(type(model.get_submodule(name)) is torch.nn.Linear for name in asked)
policy = get_peft_model(model, LoraConfig(r=2, target_modules=asked))
got = sorted({name.split(".lora_")[0] for name, _ in policy.named_parameters() if ".lora_" in name})
print("asked for:", *asked, sep="\n  ")
print("adapted:", *got, sep="\n  ")
ranks = {name: tuple(p.shape) for name, p in policy.named_parameters() if "lora_A" in name}
print("shapes of A (4 experts × rank, in):", *sorted(set(ranks.values())))
assert got and all("layers.1.mlp.experts" in name for name in got)
assert (16, 32) in ranks.values()  # 4 experts × rank 4, though r is 2
PY
