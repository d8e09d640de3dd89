"""A seeded, bounded storm; `make chaos` makes longer ones with other seeds, on Postgres too."""

import os
import random
import time
from collections import Counter

import pytest

from tests.worker.asked import ask_anew
from tests.worker.chaos import Chaos, all_over
from tests.worker.freezes import KINDS
from tests.worker.installation import installed
from tests.worker.processes import PATIENCE_S
from tests.worker.undisturbed import assert_undisturbed

NUM_BLOWS = int(os.environ.get("GRICE_CHAOS_BLOWS", "6"))
SEED = int(os.environ.get("GRICE_CHAOS_SEED", "0"))
LONGEST_PAUSE_S = 6


def test_runs_survive_a_storm(installation, world, expected, tmp_path):
    storm(installation, world, expected, tmp_path)


@pytest.mark.stack
def test_runs_survive_a_storm_that_kills_the_database_too(
    postgres, postgres_url, world, expected, tmp_path
):
    with installed(database_url=postgres_url) as installation:
        storm(installation, world, expected, tmp_path, postgres)


def storm(installation, world, expected, tmp_path, postgres=None):
    """Pipelines one after the other, until all blows have fallen and the last pipeline is through."""
    installation.stand()
    asked = ask_anew(installation.queue(), world)
    is_long = 2 * len(KINDS) <= NUM_BLOWS
    chaos = Chaos(installation, world, asked, random.Random(SEED), postgres, is_long)
    deadline = time.monotonic() + PATIENCE_S * (1 + NUM_BLOWS / 4)
    next_blow = time.monotonic() + chaos.draw.uniform(0, LONGEST_PAUSE_S)
    while True:
        assert time.monotonic() < deadline, (chaos.blows, asked.runs, installation.log())
        if all_over(asked):
            assert_undisturbed(asked, expected, tmp_path)
            if len(chaos.blows) == NUM_BLOWS:
                print(Counter(chaos.blows))  # noqa: T201 - `pytest -s` shows what was survived
                return
            chaos.asked = asked = ask_anew(installation.queue(), world)
        if len(chaos.blows) < NUM_BLOWS and time.monotonic() >= next_blow:
            chaos.strike()
            next_blow = time.monotonic() + chaos.draw.uniform(0, LONGEST_PAUSE_S)
        time.sleep(0.1)
