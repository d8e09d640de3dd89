"""From an upload to the exports, as a new user does it, with a worker killed on the way."""

import csv
import json
import os
import re
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from grice_core.demo.project import demo_models
from grice_core.store import data_sets, pipelines, runs
from grice_core.store.states import RunState
from tests.app.conftest import Picture, Server, free_port, serve
from tests.app.driving import open_page, settle
from tests.app.gricebench import Gricebench
from tests.app.house import LONG_MS, SMALL, chain, heading, launch, losses, press, until
from tests.app.samples import write_pairs_file

pytestmark = pytest.mark.stack


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
    changes = page.get_by_label("Recipe overrides, one per line")
    changes.fill("\n".join((*SMALL, "stage1.num_steps=80")))
    changes.press("Control+Enter")
    expect(page.get_by_text("90 optimizer steps, 24 answers").first).to_be_visible()
    pipeline_id = launch(page)

    expect(page.get_by_text("Should fall, noisily")).to_be_visible(timeout=LONG_MS)
    press(page, "Stop")
    expect(page.get_by_text(re.compile(r"checkpointed at step \d+"))).to_be_visible()
    press(page, "Resume")
    training = chain(house, pipeline_id)["train stage1"].id
    until(
        lambda: runs.get(house.studio.database, training).state is RunState.RUNNING, "it continues"
    )
    owner = runs.get(house.studio.database, training).owner or ""
    os.kill(int(owner.split(":")[1]), signal.SIGKILL)
    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    assert sorted(losses(house, training)) == list(range(1, 81))
    page.get_by_text("Compare the results").click()
    expect(page.get_by_text("Verdict").first).to_be_visible()
    picture(page, "compare")
    exports_are_whole(house, page, tmp_path, pipeline_id)


def exports_are_whole(house: Server, page: Page, folder: Path, pipeline_id: int) -> None:
    """Download everything that Compare offers, and open it."""
    page.get_by_role("button", name="Export").click()
    results = json.loads(downloaded(page, "Results (JSON)", folder).read_text())
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
    """It is small, and asks no one for anything."""
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


class Hands:
    """What a person does, counted: a click, a file chosen, a field filled, a key."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.count = 0

    def click(self, role: Literal["button", "link"], name: str | re.Pattern[str]) -> None:
        self.count += 1
        self._page.get_by_role(role, name=name).click()

    def choose_file(self, path: Path) -> None:
        self.count += 1
        self._page.locator("input[type=file]").first.set_input_files(path)

    def fill(self, label: str, text: str) -> None:
        self.count += 1
        self._page.get_by_role("textbox", name=label).fill(text)

    def press(self, key: str) -> None:
        self.count += 1
        self._page.keyboard.press(key)


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[Server]:
    """Everything that `make run` starts, with nothing in it."""
    yield from serve(tmp_path, free_port(), "app")


def test_from_an_own_file_to_a_running_pipeline_in_nine_interactions(
    empty_house: Server, page: Page, files: Gricebench, picture: Picture
) -> None:
    """One scored file, a base and a judge in folders, and an installation without any data."""
    models, database = demo_models(), empty_house.studio.database
    open_page(page, empty_house.url)
    hands = Hands(page)

    hands.click("button", "Upload your own pairs")
    hands.choose_file(files.scored)
    hands.click("link", re.compile(r"Use the .* scored pairs: cut the stages"))
    expect(page.get_by_text(re.compile("^keeps "))).to_have_count(2)
    hands.click("link", "Launch with these stages")
    expect(page.get_by_role("combobox", name="Evaluation prompts")).to_have_value(
        f"held out of {files.scored.name}"
    )
    hands.fill("Base model", str(models.base))
    hands.fill("Hub id or folder of the detector", str(models.detector))
    hands.press("Enter")
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_enabled()
    settle(page)
    picture(page, "own-file-launch")
    power = page.get_by_text(re.compile(r"With [\d,]+ prompts, a model that")).inner_text()
    num_prompts = int(re.findall(r"With ([\d,]+) prompts", power)[0].replace(",", ""))
    hands.click("button", re.compile("^Launch$"))

    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    scoring = chain(empty_house, 1)["score"].id
    until(lambda: runs.get(database, scoring).started_at is not None, "a worker takes it")
    picture(page, "own-file-running")
    assert hands.count == 8  # 17 before prompts could be held out of the pairs
    until(lambda: runs.get(database, scoring).state is RunState.SUCCEEDED, "all is checked")
    assert pipelines.get(database, 1).spec["leakage"] == "hold-out"
    assert (runs.get(database, scoring).result or {})["prompts"]["used"] == num_prompts
