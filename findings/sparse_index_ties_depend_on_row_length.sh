#!/usr/bin/env bash
# transformers 5.23.0, torch 2.13.0: DeepSeek's sparse attention (`deepseek_v32`; `glm_moe_dsa` and others have the same
# indexer) scores earlier tokens by a sum of ReLUs over its index heads. With few heads many scores are exactly 0, and which
# of these equals `topk` takes depends on how long the row is: appending a token changes the logits of tokens before it,
# as if the model were not causal. With eight heads a sum is hardly ever 0, and nothing changes.
# Seen, appending a token to 59: 85 % of the largest logit with 2 index heads, 25 % with 4, nothing with 8. Exit status 0
# while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0
"$folder/venv/bin/python" - <<'PY'
import torch
from transformers import DeepseekV32Config, DeepseekV32ForCausalLM


def change_by_appending(index_heads):
    torch.manual_seed(0)
    config = DeepseekV32Config(
        vocab_size=64, hidden_size=32, intermediate_size=48, moe_intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, n_routed_experts=4, num_experts_per_tok=2, n_group=1, topk_group=1,
        n_shared_experts=1, first_k_dense_replace=1, kv_lora_rank=16, q_lora_rank=16, qk_rope_head_dim=8,
        qk_nope_head_dim=8, v_head_dim=8, index_topk=8, index_n_heads=index_heads, index_head_dim=16,
        max_position_embeddings=256,
    )
    model = DeepseekV32ForCausalLM(config).eval()
    ids = torch.randint(64, (1, 60), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.3)
        whole = model(input_ids=ids, use_cache=False).logits
        before = model(input_ids=ids[:, :-1], use_cache=False).logits
    return float((before - whole[:, :-1]).abs().max() / whole.abs().max())


changes = {heads: change_by_appending(heads) for heads in (2, 4, 8)}
for heads, change in changes.items():
    print(f"{heads} index heads: appending one token changes earlier logits by {change:.1%} of the largest")
assert changes[2] > 0.1 and changes[4] > 0.1 and changes[8] < 1e-4
PY
