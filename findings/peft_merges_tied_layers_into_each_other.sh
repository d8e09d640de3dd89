#!/usr/bin/env bash
# PEFT 0.21.2 with transformers 5.23.0: Zamba's attention blocks share one weight between layers, as separate modules
# with tied parameters. `target_modules="all-linear"` gives each of them an adapter of its own; unmerged each layer gets
# its own update, but merge_and_unload adds all of them to the one weight, so the merged model is another one. No warning.
# Seen: logits of the merged model differ from the unmerged by more than a tenth of what the adapters change.
# Exit status 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0 peft==0.21.2
"$folder/venv/bin/python" - <<'PY'
import warnings

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

torch.manual_seed(0)
config = AutoConfig.for_model(
    "zamba", vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=4, attention_hidden_size=64, attention_head_dim=16, mamba_d_state=8, mamba_dt_rank=8,
    n_mamba_heads=2, attn_layer_period=2, attn_layer_offset=1, layers_block_type=["mamba", "hybrid"] * 2,
)
model = AutoModelForCausalLM.from_config(config).float().eval()
names = [name for name, _ in model.named_modules() if name.endswith("shared_transf.self_attn.q_proj")]
assert len(names) == 2
assert model.get_submodule(names[0]).weight is model.get_submodule(names[1]).weight
for name, parameter in model.named_parameters():
    if name.endswith(("proj.weight", "head.weight", "tokens.weight")):
        torch.nn.init.normal_(parameter, std=0.2)
row = torch.arange(20)[None]
with torch.no_grad(), warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    plain = model(input_ids=row).logits
    policy = get_peft_model(model, LoraConfig(r=4, target_modules=names)).eval()
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            parameter.normal_(std=0.5)
    adapted = policy(input_ids=row).logits
    merged = policy.merge_and_unload()(input_ids=row).logits
effect = float((adapted - plain).abs().max())
gap = float((merged - adapted).abs().max())
print(f"the adapters change logits by {effect:.4f}; merged, they differ from that by {gap:.4f}")
print("warnings about it:", [str(w.message) for w in said if "tied" in str(w.message).lower()])
assert gap > 0.1 * effect > 0
PY
