"""Training a stage: this package against TRL's DPOTrainer and against the notebook's loop.

    python -m benchmarks.trainer [--pairs 32] [--size small|medium] [--json]

Same weights, same pairs, same number of optimizer steps, LoRA on, two epochs; set-up and reference
pass are part of the time. Every contender has a process of its own, so that its peak memory is its
own. TRL comes with `pip install -e '.[bench]' -c constraints.txt`.
"""
