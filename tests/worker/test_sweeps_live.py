"""A sweep by real workers, which train and are killed."""

import pytest

from grice_core.recipes.load import load_recipe
from grice_core.store import generations, sweeps
from grice_core.store.states import RunState, SweepState
from grice_core.sweep.search import Search
from grice_core.sweep.space import parse_varied
from tests.pipeline.world import QUICK
from tests.worker.asked import small_request
from tests.worker.installation import installed
from tests.worker.processes import end, eventually

SHORT = (*QUICK, "stage1.num_steps=3", "stage2.num_steps=3", "evaluation.num_prompts=6")
MINUTES_S = 900.0


@pytest.fixture
def installation(template):
    """One that keeps what later runs can take over, as tests otherwise don't."""
    with installed(template, GRICE_KEPT_MIB="64") as installation:
        yield installation


@pytest.mark.stack
def test_workers_bring_a_sweep_to_its_end_though_one_is_killed_in_the_middle(installation, world):
    """The wake-ups that RQ lost are sent again by the next worker, which also takes the sweep further."""
    worker = installation.stand()
    queue = installation.queue()
    recipe = load_recipe("content-then-manner", SHORT)
    varied = (parse_varied("stage2.beta=0.05..0.5"),)
    search = Search(recipe, varied, num_trials=1, num_seeds=1)
    sweep_id = queue.sweeps.submit(small_request(world, recipe=recipe), search)

    def chains():
        return [each.runs for each in sweeps.members(queue.database, sweep_id)]

    def trains():
        return any(run.state is RunState.RUNNING for chain in chains()[1:] for run in chain)

    eventually(trains, "the first trial runs", within_s=MINUTES_S)
    end(worker)
    installation.start_worker()

    def done():
        sweep = sweeps.get(queue.database, sweep_id)
        assert sweep.error is None, sweep.error
        return sweep if sweep.state is SweepState.SUCCEEDED else None

    sweep = eventually(done, "the sweep is done", within_s=MINUTES_S)
    assert sweep.result["prompts"] == {"searched": 3, "confirmed": 3}
    trial = chains()[1]
    assert trial[1].result["taken_over"], "stage 1 is the same, and trained once"
    evaluations = [run.id for chain in chains() for run in chain if run.kind == "evaluate"]
    asked = generations.asked(queue.database, evaluations, "baseline")
    searched, tried, *unseen = (set(asked[run_id]) for run_id in evaluations)
    assert searched == tried
    assert unseen
    assert all(not searched & prompts for prompts in unseen)
