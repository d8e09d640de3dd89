"""A seeded, bounded storm; `make chaos` makes a longer one with other seeds."""

import os
import random
import time

import pytest

from tests.worker.chaos import Chaos, all_over
from tests.worker.installation import PATIENCE_S, ask_anew
from tests.worker.undisturbed import assert_undisturbed

pytestmark = pytest.mark.stack

NUM_BLOWS = int(os.environ.get("GRICE_CHAOS_BLOWS", "4"))
SEED = int(os.environ.get("GRICE_CHAOS_SEED", "0"))


def test_runs_survive_a_storm(installation, world, expected, tmp_path):
    draw = random.Random(SEED)
    installation.stand()
    asked = ask_anew(installation.queue(), world)
    chaos = Chaos(installation, asked, draw)
    blows = []
    deadline = time.monotonic() + PATIENCE_S * (1 + NUM_BLOWS / 4)
    next_blow = time.monotonic() + draw.uniform(0, 6)
    while not all_over(asked):
        assert time.monotonic() < deadline, (blows, asked.runs, installation.log())
        if len(blows) < NUM_BLOWS and time.monotonic() >= next_blow:
            blows.append(chaos.strike())
            next_blow = time.monotonic() + draw.uniform(0, 6)
        time.sleep(0.1)
    assert_undisturbed(asked, expected, tmp_path)
