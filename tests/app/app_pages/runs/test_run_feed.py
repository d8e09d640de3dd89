"""The feed of a run's numbers."""

from pathlib import Path

import numpy as np
import pytest

from app.app_pages.runs.run_feed import MAX_POINTS, RunFeed, feed_of
from app.state.studio import Studio
from grice_core.settings import Settings
from grice_core.store import metrics, runs, submission, transitions
from grice_core.store.claims import Claim
from grice_core.store.metrics import MetricRow
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio.open(Settings(home=tmp_path))


@pytest.fixture
def claim(studio: Studio) -> Claim:
    run_id = submission.submit_run(studio.database, RunDraft("a", RunKind.TRAIN, {}))
    found = transitions.claim(studio.database, run_id, "host:1")
    assert found is not None
    return found


def record(studio: Studio, claim: Claim, *steps: int) -> None:
    rows = [MetricRow(step, {"loss": 1 / step, "nan": float("nan")}) for step in steps]
    metrics.record(studio.database, claim, rows)


def test_fetches_only_what_came_since(studio: Studio, claim: Claim) -> None:
    feed = RunFeed.of(runs.get(studio.database, claim.run_id))
    record(studio, claim, 1, 2)
    assert feed.update(studio.database) == 2
    assert feed.update(studio.database) == 0
    record(studio, claim, 3)
    assert feed.update(studio.database) == 1
    assert feed.curve("loss")[0] == [1, 2, 3]
    assert feed.latest("loss") == 1 / 3


def test_a_number_that_is_none_is_no_point_of_the_curve(studio: Studio, claim: Claim) -> None:
    record(studio, claim, 1, 2)
    metrics.record(studio.database, claim, [MetricRow(3, {"heldout/loss": 0.5})])
    feed = RunFeed.of(runs.get(studio.database, claim.run_id))
    feed.update(studio.database)
    assert feed.curve("nan")[0] == []
    assert feed.latest("nan") is None
    assert feed.curve("heldout/loss")[0] == [3]
    assert feed.curve("loss")[0] == [1, 2]


def test_a_long_curve_is_thinned_as_it_grows_and_reaches_the_last_step(
    studio: Studio, claim: Claim
) -> None:
    feed = RunFeed.of(runs.get(studio.database, claim.run_id))
    for start in range(1, 5001, 1000):
        record(studio, claim, *range(start, start + 1000))
        feed.update(studio.database)
    steps, values = feed.curve("loss")
    assert MAX_POINTS // 2 <= len(steps) <= MAX_POINTS + 1
    assert (steps[0], steps[-1]) == (1, 5000)
    np.testing.assert_allclose(values, 1 / np.array(steps))
    assert len(feed.curves["loss"].values) <= MAX_POINTS  # nothing else is kept of the others


def test_a_page_keeps_the_feeds_of_the_runs_it_shows(studio: Studio, claim: Claim) -> None:
    known: dict[int, RunFeed] = {}
    run = runs.get(studio.database, claim.run_id)
    assert feed_of(run, known) is feed_of(run, known)
    transitions.give_back(studio.database, claim)
    assert transitions.claim(studio.database, claim.run_id, "host:2") is not None
    assert feed_of(runs.get(studio.database, claim.run_id), known).attempt == 2


def test_a_run_taken_up_again_is_not_followed_on(studio: Studio, claim: Claim) -> None:
    feed = RunFeed.of(runs.get(studio.database, claim.run_id))
    transitions.give_back(studio.database, claim)
    assert transitions.claim(studio.database, claim.run_id, "host:2") is not None
    assert not feed.follows(runs.get(studio.database, claim.run_id))
