#!/usr/bin/env bash
# ppi-python 0.2.3: `ppi_mean_ci` claims certainty from a few labels that agree.
#
# Ordinary use: 20 answers with a person's label, 80 more that only a model judged, the mean rate of violations asked for.
# Seen: where none of the 20 labels is a violation, the 95 % interval is [0, 0], whatever the model says of the other
# 80; over 2,000 drawn samples with a true rate of 3 % the interval held it in fewer than half. The normal interval that
# the method's theorem gives is for large samples, and nothing warns below them. A reader who takes "valid for any model"
# from the paper's abstract for any number of labels reports a rate as certain that is off by three points.
# What to do: Wilson's interval of the effective number of labels, variance / (rate × (1 − rate)).
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --disable-pip-version-check -q 'ppi-python==0.2.3' 'numpy==2.4.6' 'scipy==1.17.1' 'statsmodels==0.15.0'
"$place/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from ppi_py import ppi_mean_ci

print("ppi-python", version("ppi-python"))

labels = np.zeros(20)
judged = np.zeros(20)
only_judged = np.array([1.0] * 8 + [0.0] * 72)
low, high = (float(np.ravel(end)[0]) for end in ppi_mean_ci(labels, judged, only_judged, alpha=0.05))
print(f"no violation among 20 labels, 8 judged among 80 more: [{low:.3f}, {high:.3f}]")
assert high - low < 1e-6, "the interval has a width now"

draw = np.random.default_rng(0)
rate, num, held = 0.03, 2000, 0
for _ in range(num):
    truth = (draw.random(100) < rate).astype(float)
    model = np.where(draw.random(100) < 0.1, 1 - truth, truth)  # wrong one time in ten
    low, high = (float(np.ravel(end)[0]) for end in ppi_mean_ci(truth[:20], model[:20], model[20:], alpha=0.05))
    held += low <= rate <= high
print(f"a rate of 3 %, 20 labels of 100: the 95 % interval held it in {held / num:.1%} of {num:,} samples")
assert held / num < 0.6, "small samples are covered better now"
PYTHON
