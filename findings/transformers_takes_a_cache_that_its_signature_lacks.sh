#!/usr/bin/env bash
# transformers 5.24.0 renamed `past_key_values` to `cache`. Passing the old name, and reading it from an output, still works,
# but a model's signature lists the new name only. A caller that asks the signature which arguments a model takes, and leaves
# out what it does not list, now writes every token without a cache: no error, and, passed one token at a time, other logits.
# Seen on a random GPT-2: 5.23.0 lists it; in 5.24.0 it is not listed, the cached pass under the old name is off the whole
# pass by 1.5e-7, the pass without it by 0.39. Exit status 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0
cat > "$folder/look.py" <<'PY'
import inspect
import sys

import torch
from transformers import GPT2Config, GPT2LMHeadModel, __version__

torch.manual_seed(0)
config = GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=1)
model = GPT2LMHeadModel(config).eval()
ids = torch.arange(2, 12)[None]
with torch.no_grad():
    whole = model(input_ids=ids).logits[0, -1]
    first = model(input_ids=ids[:, :-1], use_cache=True)
    cached = model(input_ids=ids[:, -1:], past_key_values=first.past_key_values).logits[0, -1]
    alone = model(input_ids=ids[:, -1:]).logits[0, -1]
listed = "past_key_values" in inspect.signature(model.forward).parameters
off, without = float((cached - whole).abs().max()), float((alone - whole).abs().max())
print(f"{__version__}: listed {listed}; off by {off:.1e} under the old name, by {without:.2f} without a cache")
assert listed == (sys.argv[1] == "listed") and off < 1e-5 and without > 0.1
PY
"$folder/venv/bin/pip" install -q transformers==5.23.0
"$folder/venv/bin/python" -W ignore "$folder/look.py" listed
"$folder/venv/bin/pip" install -q transformers==5.24.0
"$folder/venv/bin/python" -W ignore "$folder/look.py" unlisted
