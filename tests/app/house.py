"""The demo in front of everything that `make run` starts, and what tests ask of it."""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil
from playwright.sync_api import Locator, Page, expect
from redis import Redis

from grice_core.demo.project import demo_models
from grice_core.recipes.load import load_recipe
from grice_core.store import data_sets, detectors, metrics, pipelines, runs
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from worker.client import PipelineRequest, RunQueue

if TYPE_CHECKING:
    from tests.app.conftest import Server

LONG_MS = 600_000
"""For what really trains."""
QUICK = {
    "OMP_NUM_THREADS": "1",
    "GRICE_LEASE_S": "10",
    "GRICE_HEARTBEAT_S": "0.5",
    "GRICE_RECONCILE_S": "1",
}
SMALL = (
    "stage1.num_steps=120",
    "stage1.gradient_accumulation_steps=4",
    "stage1.eval_steps=20",
    "stage2.num_steps=10",
    "stage2.gradient_accumulation_steps=4",
    "evaluation.num_prompts=8",
    "evaluation.max_new_tokens=12",
)
"""The demo's stages, long enough to be interrupted and short enough to be waited for."""
BLOWS_UP = "stage1.learning_rate=1"
"""Some trainings end in NaN with it, others in nonsense: all are ended, and told to lower it."""


def launch_link(server: "Server", *changes: str, **query: str) -> str:
    """Launch, filled in with the small demo."""
    words = [f"change={change}" for change in (*SMALL, *changes)]
    words += [f"{name}={value}" for name, value in query.items()]
    return f"{server.url}/launch?recipe=demo&{'&'.join(words)}"


def door(house: "Server") -> RunQueue:
    """The queue's door."""
    redis = Redis.from_url(f"unix://{house.home / 'valkey' / 'valkey.sock'}")
    return RunQueue(house.studio.database, house.studio.artifacts, redis)


def asked(
    house: "Server", seed: int, *changes: str, recipe: str = "demo", data: str = "demo pairs"
) -> int:
    """The same, asked for without a browser; returns the pipeline's id."""
    known = {each.name: each for each in data_sets.page(house.studio.database)}
    (judge,) = detectors.page(house.studio.database)
    return door(house).submit(
        PipelineRequest(
            data=known[data],
            eval=known["demo prompts"],
            base=str(demo_models().base),
            detector=judge,
            recipe=load_recipe(recipe, [*SMALL, *changes]),
            seed=seed,
        )
    )


def launch(page: Page) -> int:
    """Press the button, twice as people do; returns the pipeline's id."""
    button = page.get_by_role("button", name="Launch", exact=True)
    expect(button).to_be_enabled()
    button.dblclick()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile(r"pipeline=\d+"))
    return int(re.search(r"pipeline=(\d+)", page.url).group(1))  # type: ignore[union-attr]


def heading(page: Page, text: str) -> Locator:
    """The sentence about the whole pipeline."""
    return page.get_by_test_id("stMain").get_by_role("heading", level=3, name=re.compile(text))


def queue_line(page: Page, house: "Server", pipeline_id: int) -> Locator:
    """A pipeline that waits, in the queue."""
    return page.locator(f".st-key-queue-line-{chain(house, pipeline_id)['score'].id}")


def press(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).click()


def chain(server: "Server", pipeline_id: int) -> dict[str, Run]:
    """The runs of a pipeline by what they do."""
    found = runs.of_pipeline(server.studio.database, pipeline_id)
    return {" ".join(filter(None, [run.kind, run.stage])): run for run in found}


def until(is_so: Callable[[], object], what: str, within_s: float = LONG_MS / 1000) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.1)


def withdraw(house: "Server", pipeline_id: int) -> None:
    """Stop a pipeline, and leave nothing of it."""
    for run in chain(house, pipeline_id).values():
        door(house).stop(run.id)
    until(
        lambda: all(
            run.state is not RunState.RUNNING for run in chain(house, pipeline_id).values()
        ),
        "none of its runs is under way",
    )
    pipelines.remove(house.studio.database, pipeline_id)


def losses(server: "Server", run_id: int) -> dict[int, float]:
    rows = metrics.since(server.studio.database, run_id)
    return {row.step: float(row.numbers["loss"] or 0) for row in rows}


def trained(server: "Server", pipeline_id: int, step: int) -> Callable[[], bool]:
    return lambda: chain(server, pipeline_id)["train stage1"].step >= step


def run_through(house: "Server") -> dict[int, float]:
    """Let the small demo run through, seed 0; returns the losses of its stage 1."""
    pipeline_id = asked(house, 0)
    until(lambda: chain(house, pipeline_id)["export"].state.is_finished(), "it runs through")
    assert chain(house, pipeline_id)["export"].state is RunState.SUCCEEDED
    return losses(house, chain(house, pipeline_id)["train stage1"].id)


def dashboard(house: "Server") -> psutil.Process:
    """The process that serves the pages; the front door starts another when it ends."""
    return next(
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "app.serve" in (process.info["cmdline"] or ())
        and (process.info["environ"] or {}).get("GRICE_HOME") == str(house.home)
    )
