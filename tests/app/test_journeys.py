"""What a new user does, from the demo to the results, in a real browser in front of everything that
`make run` starts: real training, real kills. `GRICE_SCREENSHOTS` says where the pictures go."""

import csv
import json
import os
import re
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect
from redis import Redis

from app.demo import open_demo
from app.studio import Studio
from grice_core.demo.project import demo_models
from grice_core.recipes.load import load_recipe
from grice_core.settings import Settings
from grice_core.store import data_sets, detectors, metrics, pipelines, runs
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from tests.app.conftest import PATIENCE_MS, Server, free_port, serve
from tests.app.driving import open_page, set_number, settle
from tests.app.samples import write_pairs_file
from worker.presence import is_dead
from worker.queue import PipelineRequest, RunQueue

pytestmark = pytest.mark.stack

Picture = Callable[[Page, str], None]

LONG_MS = 10 * PATIENCE_MS
"""For what really trains."""
QUICK = {
    "OMP_NUM_THREADS": "1",
    "GRICE_LEASE_S": "10",
    "GRICE_HEARTBEAT_S": "0.5",
    "GRICE_RECONCILE_S": "1",
}
SMALL = (
    "stage1.num_steps=120",
    "stage1.accumulation=4",
    "stage1.eval_every=20",
    "stage2.num_steps=10",
    "stage2.accumulation=4",
    "evaluation.num_prompts=8",
    "evaluation.max_new_tokens=12",
)
"""The demo's stages, long enough to be interrupted and short enough to be waited for."""
BLOWS_UP = "stage1.learning_rate=1"
"""Some trainings end in NaN with it, others in nonsense: all are ended, and told to lower it."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Queue, worker and dashboard, with the demo project in it."""
    home = tmp_path_factory.mktemp("house")
    open_demo(Studio.open(Settings(home=home)))
    yield from serve(home, free_port(), "app", **QUICK)


def launch_link(server: Server, *changes: str, **query: str) -> str:
    """Launch, filled in with the small demo."""
    words = [f"change={change}" for change in (*SMALL, *changes)]
    words += [f"{name}={value}" for name, value in query.items()]
    return f"{server.url}/launch?recipe=demo&{'&'.join(words)}"


def door(house: Server) -> RunQueue:
    """The queue's door."""
    redis = Redis.from_url(f"unix://{house.home / 'valkey' / 'valkey.sock'}")
    return RunQueue(house.studio.database, house.studio.artifacts, redis)


def asked(house: Server, seed: int, *changes: str) -> int:
    """The same, asked for without a browser; returns the pipeline's id."""
    known = {each.name: each for each in data_sets.page(house.studio.database)}
    (judge,) = detectors.page(house.studio.database)
    return door(house).submit(
        PipelineRequest(
            data=known["demo pairs"],
            eval=known["demo prompts"],
            base=str(demo_models().base),
            detector=judge,
            recipe=load_recipe("demo", [*SMALL, *changes]),
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


def queue_line(page: Page, house: Server, pipeline_id: int) -> Locator:
    """A pipeline that waits, in the queue."""
    return page.locator(f".st-key-queue-line-{chain(house, pipeline_id)['score'].id}")


def press(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).click()


def chain(server: Server, pipeline_id: int) -> dict[str, Run]:
    """The runs of a pipeline by what they do."""
    found = runs.of_pipeline(server.studio.database, pipeline_id)
    return {" ".join(filter(None, [run.kind, run.stage])): run for run in found}


def until(is_so: Callable[[], object], what: str, within_s: float = LONG_MS / 1000) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.1)


def losses(server: Server, run_id: int) -> dict[int, float]:
    rows = metrics.since(server.studio.database, run_id)
    return {row.step: float(row.numbers["loss"] or 0) for row in rows}


def trained(server: Server, pipeline_id: int, step: int) -> Callable[[], bool]:
    return lambda: chain(server, pipeline_id)["train stage1"].step >= step


@pytest.fixture(scope="module")
def undisturbed(house: Server) -> dict[int, float]:
    """The losses of stage 1 of the small demo, seed 0, with nobody in the way."""
    pipeline_id = asked(house, 0)
    until(lambda: chain(house, pipeline_id)["export"].state.is_finished(), "it runs through")
    assert chain(house, pipeline_id)["export"].state is RunState.SUCCEEDED
    return losses(house, chain(house, pipeline_id)["train stage1"].id)


def test_a_launch_is_measured_and_started_once_from_two_tabs(
    house: Server, page: Page, picture: Picture
) -> None:
    open_page(page, launch_link(house, seed="7"))
    expect(page.get_by_text(re.compile(r"about .+ of memory"))).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Measured just for this")).to_be_visible()
    expect(page.get_by_text("stage2 is held to base + stage1")).to_be_visible()
    picture(page, "launch-measured")

    other_tab = page.context.new_page()
    open_page(other_tab, page.url)
    first = launch(page)
    assert launch(other_tab) == first
    other_tab.close()
    same = [
        found.pipeline.id
        for found in pipelines.page(house.studio.database)
        if found.pipeline.spec["seed"] == 7
    ]
    assert same == [first]
    door(house).stop(chain(house, first)["score"].id)


def test_stopped_in_the_middle_it_goes_on_without_a_seam(
    house: Server, page: Page, picture: Picture, undisturbed: dict[int, float]
) -> None:
    pipeline_id = asked(house, 0, "evaluation.min_cooperative=0.61")  # the same training
    open_page(page, f"{house.url}/runs?pipeline={pipeline_id}")
    expect(page.get_by_text("Should fall, noisily")).to_be_visible(timeout=LONG_MS)
    expect(heading(page, r"running · stage 1 of 2 · step \d+ of 120")).to_be_visible()
    picture(page, "runs-running")

    press(page, "Stop")
    expect(page.get_by_text(re.compile(r"stopped, checkpointed at step \d+"))).to_be_visible()
    stopped = chain(house, pipeline_id)["train stage1"]
    assert stopped.state is RunState.CANCELLED
    assert 0 < stopped.step < 120
    assert page.get_by_text(f"checkpointed at step {stopped.step}").is_visible()
    expect(heading(page, "stopped · stage 1 of 2")).to_be_visible()
    picture(page, "runs-stopped")

    link = page.url
    page.goto("about:blank")
    open_page(page, link)
    press(page, "Resume")
    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    assert losses(house, stopped.id) == undisturbed
    picture(page, "runs-done")


def test_a_killed_job_and_a_killed_worker_are_told_and_the_run_finishes(
    house: Server, page: Page, picture: Picture, undisturbed: dict[int, float]
) -> None:
    pipeline_id = asked(house, 0, "evaluation.min_cooperative=0.62")
    open_page(page, f"{house.url}/runs?pipeline={pipeline_id}")
    training = chain(house, pipeline_id)["train stage1"].id
    until(trained(house, pipeline_id, 5), "it trains")
    os.kill(runs.get(house.studio.database, training).pid or 0, signal.SIGKILL)
    told = page.get_by_text(
        re.compile(r"Interrupted at step \d+ \(its process was killed.*going on from step")
    )
    expect(told).to_be_visible(timeout=15_000)  # the lease is 10 s

    until(lambda: runs.get(house.studio.database, training).attempt == 2, "it is taken up again")
    until(trained(house, pipeline_id, 55), "it has a checkpoint")
    owner = runs.get(house.studio.database, training).owner or ""
    os.kill(int(owner.split(":")[1]), signal.SIGKILL)
    until(lambda: is_dead(house.home, owner), "the worker is dead", within_s=10)
    told = page.get_by_text(
        re.compile(r"Interrupted at step \d+ \(its worker .*going on from step 50")
    )
    expect(told).to_be_visible(timeout=20_000)
    picture(page, "runs-killed")

    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    assert losses(house, training) == undisturbed
    assert runs.get(house.studio.database, training).attempt == 3


def test_three_in_the_queue_are_moved_paused_and_cancelled_and_one_that_fails_blocks_nobody(
    house: Server, page: Page, picture: Picture
) -> None:
    busy = asked(house, 21)
    fails = asked(house, 22, BLOWS_UP)
    middle, last = asked(house, 23), asked(house, 24)
    open_page(page, f"{house.url}/runs?pipeline={fails}")
    waiting = page.get_by_test_id("stExpander").filter(has_text="Queue")
    expect(waiting.get_by_text(f"1 · {fails} · demo on demo pairs")).to_be_visible()
    expect(waiting.get_by_text(f"3 · {last} · demo on demo pairs")).to_be_visible()
    expect(waiting.get_by_text("2 others before it")).to_be_visible()
    expect(heading(page, "waiting · score")).to_be_visible()
    picture(page, "runs-queued")

    queue_line(page, house, last).get_by_role("button", name="Earlier").click()
    expect(waiting.get_by_text(f"2 · {last} · demo on demo pairs")).to_be_visible()
    queue_line(page, house, middle).get_by_role("button", name="Cancel").click()
    expect(waiting.get_by_text("cancelled: resume it, or run it again")).to_be_visible()
    assert chain(house, middle)["score"].state is RunState.CANCELLED

    waiting.get_by_role("button", name="Pause").click()
    expect(waiting.get_by_text("Paused:")).to_be_visible()
    expect(waiting.get_by_text("the queue is paused").first).to_be_visible()
    waiting.get_by_role("button", name="Go on").click()
    expect(waiting.get_by_text("Taken in this order")).to_be_visible()

    blown_up = page.get_by_text(
        re.compile(
            r"loss (is NaN|is infinite|has diverged) since step \d+: lower the learning rate"
        )
    )
    expect(blown_up).to_be_visible(timeout=LONG_MS)
    expect(heading(page, "failed · stage 1 of 2")).to_be_visible()
    picture(page, "runs-failed")
    until(lambda: chain(house, last)["export"].state is RunState.SUCCEEDED, "the next one is done")
    assert chain(house, busy)["export"].state is RunState.SUCCEEDED
    assert chain(house, middle)["score"].state is RunState.CANCELLED


def test_a_pipeline_is_cloned_with_changes_drawn_beside_it_and_deleted(
    house: Server, page: Page, picture: Picture, undisturbed: dict[int, float]
) -> None:
    assert undisturbed
    first = asked(house, 0)  # the one that ran through
    open_page(page, f"{house.url}/runs?pipeline={first}")
    page.get_by_role("link", name="Clone with changes").click()
    expect(page.get_by_role("heading", name="Launch", level=1)).to_be_visible()
    settle(page)
    page.get_by_text("Training and evaluation settings").click()
    rate = page.get_by_label("stage1: learning rate")
    expect(rate).to_have_value("0.0004")
    rate.fill("much")
    rate.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="stage1.learning_rate")).to_be_visible()
    expect(page.get_by_text("makes no recipe yet")).to_be_visible()
    rate.fill("2e-4")
    rate.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="stage1.learning_rate")).to_have_count(0)
    second = launch(page)
    assert second != first
    recipe = pipelines.get(house.studio.database, second).spec["recipe"]
    assert recipe["stages"][0]["learning_rate"] == 2e-4

    open_page(page, f"{house.url}/runs?pipeline={second}&over={first}")
    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text(f"training · pipeline {first}").first).to_be_visible()
    page.get_by_text(re.compile(r"Settings that differ \(\d+\)")).click()
    expect(page.get_by_role("cell", name="stage1.learning_rate")).to_be_visible()
    expect(page.get_by_role("columnheader", name=f"pipeline {first}")).to_be_visible()
    picture(page, "runs-beside")

    open_page(page, f"{house.url}/runs?pipeline={second}")
    press(page, "Delete")
    expect(page.get_by_text(f"Pipeline {second} goes for good")).to_be_visible()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text(f"Pipeline {second} goes for good")).to_have_count(0)
    assert pipelines.page(house.studio.database)[0].pipeline.id != second


def test_trained_stages_are_evaluated_again_from_the_form(
    house: Server, page: Page, undisturbed: dict[int, float]
) -> None:
    assert undisturbed
    first = asked(house, 0)
    open_page(page, f"{house.url}/launch?what=evaluate&trained={first}")
    set_number(page, "Answers per prompt", "2")
    expect(page.get_by_text("0 optimizer steps, 48 answers")).to_be_visible()
    expect(page.get_by_text("--samples-per-prompt 2")).to_be_visible()
    expect(page.get_by_text(f"--trained-by {first}")).to_be_visible()
    again = launch(page)
    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    assert list(chain(house, again)) == ["score", "evaluate", "export"]
    page.get_by_text("Compare what came out").click()
    expect(page.get_by_role("heading", name="Verdict")).to_be_visible()
    page.get_by_role("radio", name="all (16)").click()
    prompts = page.locator(".prompt")
    expect(prompts).to_have_count(10)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("button", name="Adapter of stage2")).to_be_visible()


def test_several_seeds_and_the_control_are_as_many_pipelines(house: Server, page: Page) -> None:
    before = len(pipelines.page(house.studio.database))
    door(house).pause()
    open_page(page, launch_link(house, seed="31", repeats="2", joint="1", leakage="keep"))
    expect(page.get_by_text("4 pipelines:")).to_be_visible()
    expect(page.get_by_text("--leakage keep").first).to_be_visible()
    page.get_by_role("button", name="Launch 4 pipelines").dblclick()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    new = pipelines.page(house.studio.database)[
        : len(pipelines.page(house.studio.database)) - before
    ]
    asked_for = sorted(
        (found.pipeline.spec["recipe"]["name"], found.pipeline.spec["seed"]) for found in new
    )
    assert asked_for == [("demo", 31), ("demo", 32), ("demo-joint", 31), ("demo-joint", 32)]
    assert {found.pipeline.spec["leakage"] for found in new} == {"keep"}
    for found in new:
        pipelines.remove(house.studio.database, found.pipeline.id)
    door(house).unpause()


def test_a_page_that_stays_open_tells_the_truth_again_when_the_dashboard_was_killed(
    house: Server, page: Page, undisturbed: dict[int, float]
) -> None:
    assert undisturbed
    export = chain(house, asked(house, 0))["export"].id
    open_page(page, f"{house.url}/runs?pipeline={asked(house, 0)}&run={export}")
    expect(page.get_by_text("export: succeeded")).to_be_visible()
    dashboard(house).kill()
    door(house).pause()
    door(house).rerun(export)
    expect(page.get_by_text("export: queued: the queue is paused")).to_be_visible()
    door(house).unpause()
    expect(page.get_by_text("export: succeeded")).to_be_visible()


def dashboard(house: Server) -> psutil.Process:
    """The process that serves the pages; the front door starts another when it ends."""
    return next(
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "app.serve" in (process.info["cmdline"] or ())
        and (process.info["environ"] or {}).get("GRICE_HOME") == str(house.home)
    )


def test_from_an_upload_to_the_results_with_a_worker_killed_on_the_way(
    house: Server, page: Page, tmp_path: Path, picture: Picture
) -> None:
    open_page(page, f"{house.url}/data")
    pairs = write_pairs_file(tmp_path / "mine.json", num=240, seed=5)
    page.locator("input[type=file]").first.set_input_files(pairs)
    expect(page.get_by_text("240 usable of 240 rows").first).to_be_visible()
    mine = next(each for each in data_sets.page(house.studio.database) if each.name == "mine.json")

    prompts = next(
        each for each in data_sets.page(house.studio.database) if each.name == "demo prompts"
    )
    open_page(page, f"{house.url}/stages?data={mine.id}&recipe=demo&eval={prompts.id}")
    expect(page.get_by_text(re.compile("^keeps .* of 240")).first).to_be_visible()
    page.get_by_role("link", name="Launch with these stages").click()
    expect(page.get_by_role("heading", name="Launch", level=1)).to_be_visible()
    settle(page)
    page.get_by_text("Training and evaluation settings").click()
    changes = page.get_by_label("All changes to the recipe, one a line")
    changes.fill("\n".join((*SMALL, "stage1.num_steps=80")))
    changes.press("Control+Enter")
    expect(page.get_by_text("90 optimizer steps, 24 answers").first).to_be_visible()
    pipeline_id = launch(page)

    expect(page.get_by_text("Should fall, noisily")).to_be_visible(timeout=LONG_MS)
    press(page, "Stop")
    expect(page.get_by_text(re.compile(r"checkpointed at step \d+"))).to_be_visible()
    press(page, "Resume")
    training = chain(house, pipeline_id)["train stage1"].id
    until(lambda: runs.get(house.studio.database, training).state is RunState.RUNNING, "it goes on")
    owner = runs.get(house.studio.database, training).owner or ""
    os.kill(int(owner.split(":")[1]), signal.SIGKILL)
    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    assert sorted(losses(house, training)) == list(range(1, 81))
    page.get_by_text("Compare what came out").click()
    expect(page.get_by_text("Verdict").first).to_be_visible()
    picture(page, "compare")
    exports_are_whole(house, page, tmp_path, pipeline_id)


def exports_are_whole(house: Server, page: Page, folder: Path, pipeline_id: int) -> None:
    """Download everything that Compare offers, and open it."""
    page.get_by_role("button", name="Export").click()
    results = json.loads(downloaded(page, "Results in the guide's layout", folder).read_text())
    models = ["baseline", "stage1", "stage2_final"]
    assert list(results) == [*models, "cooperative"]
    evaluation = chain(house, pipeline_id)["evaluate"]
    assert evaluation.result is not None
    assert results == evaluation.result["percent"]

    with downloaded(page, "All rates and changes", folder).open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    rates = {(line["measure"], line["model"]): 100 * float(line["rate"]) for line in lines}
    for name, model in zip(("baseline", "stage1", "stage2"), models, strict=True):
        assert rates["manner", name] == pytest.approx(results[model]["manner"])
        assert rates["cooperative", name] == pytest.approx(results["cooperative"][model])

    table = downloaded(page, "Table for a paper", folder).read_text(encoding="utf-8")
    assert f"{results['baseline']['manner']:.1f} {{" in table
    report_opens_alone(page, downloaded(page, "Report, one page", folder))
    for stage, title in (("stage1", "| | baseline | stage1 | change |"), ("stage2", "| stage2 |")):
        archive = downloaded(page, f"Adapter of {stage}", folder)
        with zipfile.ZipFile(archive) as adapter:
            card = adapter.read("README.md").decode()
            assert adapter.testzip() is None
            assert {"adapter_config.json", "adapter_model.safetensors"} <= set(adapter.namelist())
        assert title in card
        assert f"| manner | {results['baseline']['manner']:.1f} % [" in card
        assert "PeftModel.from_pretrained" in card


def downloaded(page: Page, label: str, folder: Path) -> Path:
    """What one entry of the open menu gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=label).click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def report_opens_alone(page: Page, report: Path) -> None:
    """It is small, and asks nobody for anything."""
    assert report.stat().st_size < 5_000_000
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(offline=True)
    reader = context.new_page()
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    reader.goto(report.as_uri())
    expect(reader.get_by_text("Verdict").first).to_be_visible()
    expect(reader.locator("svg").first).to_be_visible()
    assert asked == [report.as_uri()]
    context.close()
