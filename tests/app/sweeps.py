"""A store with sweeps, whose pipelines ended at once."""

from dataclasses import replace
from pathlib import Path

from app.state.studio import Studio
from grice_core.recipes.load import load_recipe
from grice_core.registry import Keeper
from grice_core.store import sweeps
from grice_core.store.states import Device
from grice_core.sweep.search import AS_IT_IS, Member, Search
from grice_core.sweep.space import parse_varied
from tests.app.samples import write_pairs_file, write_unscored_file
from tests.sweep.ended import EndingWorkers
from worker.client import PipelineRequest
from worker.sweep_queue import SweepQueue
from worker.sweeps import SweepAdvancer

NUM_PROMPTS = 120
VARIED = ("stage2.beta=0.05..0.5:log", "stage2.learning_rate=1e-5..1e-3:log")


def best_in_the_middle(member: Member) -> int:
    """Cooperative answers of 120: most with a beta of about 0.2, fewer on prompts that no trial saw."""
    if member.name == AS_IT_IS:
        return 60 + member.seed
    beta, rate = (float(member.params[name.partition("=")[0]]) for name in VARIED)
    unseen = 8 if member.half == "confirmation" else 0
    return int(90 - 160 * abs(beta - 0.2) + 4 * (rate > 1e-4) - unseen)


def fill_with_sweeps(studio: Studio, folder: Path) -> None:
    """Sweep 1 is done, one of its trials failed; sweep 2 is under way."""
    keeper = Keeper(studio.database, studio.artifacts)
    recipe = load_recipe("content-then-manner")
    request = PipelineRequest(
        data=keeper.keep_pairs(write_pairs_file(folder / "scored.json"), "scored.json"),
        eval=keeper.keep_prompts(write_unscored_file(folder / "held-out.json"), "held-out.json"),
        base="gpt2-medium",
        detector="org/judge",
        recipe=recipe,
    )
    search = Search(recipe, tuple(map(parse_varied, VARIED)), num_trials=12, num_seeds=2)
    done = _submit(studio, request, search)
    workers = EndingWorkers(
        studio.database,
        studio.artifacts,
        best_in_the_middle,
        lambda member: "stage2: no pair is left" if member.name == "003" else "",
        NUM_PROMPTS,
    )
    while workers.end(done):
        _advance(studio)
    search = Search(recipe, tuple(map(parse_varied, VARIED)), seed=7, num_trials=6, at_once=2)
    begun = _submit(studio, replace(request, seed=7), search)
    for _ in range(2):
        workers.end(begun)
        _advance(studio)


def _submit(studio: Studio, request: PipelineRequest, search: Search) -> int:
    queue = SweepQueue(studio.database, studio.artifacts, lambda: True, lambda _: Device.CPU)
    return queue.submit(request, search)


def _advance(studio: Studio) -> None:
    SweepAdvancer(studio.database, studio.artifacts, lambda *_, **__: None).run_once()
    assert all(each.error is None for each in sweeps.page(studio.database))
