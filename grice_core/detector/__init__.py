"""The judge: a network that says how likely a response violates each maxim, and how far to trust it.

`template` and `encode` turn a response and what it answers into tokens, `model` into logits,
`score` into probabilities; `record` says what a detector is, `folder` and `load` keep it on disk,
`importing` takes others' in. `train`, `distill`, `calibrate` and `evaluate` make and measure one.
"""
