"""Fast paths: the same numbers as torch, transformers and PEFT give, in less time or memory.

Each stands beside a plain twin of a few lines, which `GRICE_KERNELS=plain` puts in its place (`choice.py`).
"""
