#!/usr/bin/env bash
# bitsandbytes 0.50.2 with torch 2.13.0 on a CPU: `dequantize_4bit(*quantize_4bit(w))` gives back other numbers where the rows
# of w are no multiple of the block size (64), though quantising is right: the same codes and scales, seen as rows of one
# block, come back within the rounding of 4 bits. For 64 × 96 normal numbers the largest error is 1.97 in place of 0.45, for rows of 32
# it is 1.89 in place of 0.39. Nothing warns. A layer of a transformer whose width is 96 or 32 is another layer then.
# Exit status 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 bitsandbytes==0.50.2 numpy==2.3.5
"$folder/venv/bin/python" -W ignore - <<'PY'
import bitsandbytes.functional as bnb
import torch

BLOCK = 64


def largest_error(packed, state, weight):
    return float((bnb.dequantize_4bit(packed, state).reshape(weight.shape) - weight).abs().max())


torch.manual_seed(0)
found = {}
for width in (32, 96, 64, 128):
    weight = torch.randn(64, width)
    as_it_is = bnb.quantize_4bit(weight, blocksize=BLOCK, quant_type="nf4")
    by_blocks = bnb.quantize_4bit(weight.reshape(-1, BLOCK), blocksize=BLOCK, quant_type="nf4")
    assert torch.equal(as_it_is[0], by_blocks[0]), "the codes differ"
    assert torch.equal(as_it_is[1].absmax, by_blocks[1].absmax), "the scales differ"
    found[width] = largest_error(*as_it_is, weight), largest_error(*by_blocks, weight)
    print(f"rows of {width}: off by up to {found[width][0]:.2f}, seen as blocks {found[width][1]:.2f}")
assert all(blocks < 0.6 for _, blocks in found.values())
assert found[64][0] == found[64][1] and found[128][0] == found[128][1]
assert found[32][0] > 1.5 and found[96][0] > 1.5, "it is right now"
PY
