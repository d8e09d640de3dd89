#!/usr/bin/env bash
# transformers 5.23.0: a Llama with dynamic NTK scaling (`rope_type: dynamic`) is no function of its input. A row longer
# than max_position_embeddings stretches its rotary frequencies, and they stay stretched in the passes that follow, for
# rows of up to that length, until one comes that is shorter than the limit.
# Seen: a row of 60 tokens (limit 48) gives other logits after a row of 90 has passed through, and the first ones again
# after a row of 8. Exit status 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0
"$folder/venv/bin/python" - <<'PY'
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=48, rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0},
)
model = LlamaForCausalLM(config).eval()
with torch.no_grad():
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.normal_(std=0.3)
    logits = lambda length: model(input_ids=torch.arange(length)[None] % 64, use_cache=False).logits
    first = logits(60)
    logits(90)
    after_a_longer_row = logits(60)
    logits(8)
    after_a_short_row = logits(60)
changed = float((after_a_longer_row - first).abs().max())
back = float((after_a_short_row - first).abs().max())
print(f"the same 60 tokens, after a row of 90: {changed:.3f}; after a row of 8: {back:.1e}")
assert changed > 0.01 and back < 1e-5
PY
