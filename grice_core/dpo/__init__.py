"""Direct preference optimisation in stages (arXiv 2305.18290), exact and without waste.

A pair becomes token ids in `encode`, pairs of one prompt become a tree in `prefix_trees`, trees become
response log-probabilities in `logps`, and those become a loss in `loss`. `policy` holds the model
with its adapter, `reference` the log-probabilities that the policy is compared to, `preflight` the
proof that the two agree before the first step, and `train` the loop. `checkpointing` lets a killed
run continue bit for bit, `distributed` spreads one over processes, and `health` says in words what
is wrong with it.
"""
