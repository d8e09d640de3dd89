"""Launch: begins where the last pipeline left off, checks as one types, one pipeline per intent."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from grice_core.registry import Keeper
from grice_core.store import pipelines
from tests.app.conftest import Picture, Server
from tests.app.driving import open_page, set_number, settle
from tests.app.samples import write_pairs_file, write_unscored_file

pytestmark = pytest.mark.stack


def test_checks_then_launches_one_pipeline(busy_server: Server, page: Page) -> None:
    before = len(pipelines.page(busy_server.studio.database))
    open_page(page, f"{busy_server.url}/launch?data=1&base=gpt2-medium&detector=other&recipe=joint")
    launch = page.get_by_role("button", name="Launch", exact=True)
    expect(launch).to_be_disabled()
    expect(page.get_by_text("Choose a detector.")).to_be_visible()
    page.get_by_label("Hub id or folder of the detector").fill("org/judge")
    page.keyboard.press("Enter")
    expect(launch).to_be_enabled()
    expect(page.get_by_text("Reference for Stage 1: gpt2-medium")).to_be_visible()
    expect(page.get_by_text("grice pipeline --data studio:scored.json")).to_be_visible()
    launch.dblclick()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    assert len(pipelines.page(busy_server.studio.database)) == before + 1


def test_a_base_that_is_not_there_is_told_as_soon_as_it_is_typed(
    busy_server: Server, page: Page
) -> None:
    open_page(page, f"{busy_server.url}/launch?data=1&base=gpt2&detector=org/judge")
    launch = page.get_by_role("button", name="Launch", exact=True)
    expect(launch).to_be_enabled()
    base = page.get_by_role("textbox", name="Base model")
    base.fill("./no-such-model")
    base.press("Enter")
    expect(page.get_by_text("There is no base model in ./no-such-model")).to_be_visible()
    expect(launch).to_be_disabled()


def test_what_was_asked_for_before_is_found_again_and_a_preset_begins_anew(
    busy_server: Server, page: Page
) -> None:
    open_page(page, f"{busy_server.url}/launch")  # as the last pipeline
    expect(page.get_by_text("Already submitted: Launch opens pipeline")).to_be_visible()
    page.get_by_label("Start from").click()
    page.get_by_role("option", name="preset content-then-manner", exact=True).click()
    settle(page)
    expect(page.get_by_role("textbox", name="Base model")).to_have_value("gpt2-medium")
    expect(page.get_by_role("combobox", name="Recipe", exact=True)).to_have_value(
        "content-then-manner (built in)"
    )
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value("0")


def test_the_rule_for_leaks_comes_along_from_the_link(busy_server: Server, page: Page) -> None:
    link = "launch?data=1&eval=2&base=gpt2&detector=org/judge&leakage"
    for rule, said in (
        ("drop-eval", "left out of the evaluation"),
        ("drop-train", "left out of training"),
        ("keep", "gains may be memorised"),
    ):
        open_page(page, f"{busy_server.url}/{link}={rule}")
        expect(page.get_by_text(said)).to_be_visible()


def test_what_was_chosen_on_stages_comes_along(
    fresh_server: Server, page: Page, tmp_path: Path
) -> None:
    studio = fresh_server.studio
    keeper = Keeper(studio.database, studio.artifacts)
    prompts = keeper.keep_pairs(write_unscored_file(tmp_path / "held-out.json"), "held-out.json")
    pairs = keeper.keep_pairs(write_pairs_file(tmp_path / "mine.json"), "mine.json")
    open_page(page, f"{fresh_server.url}/stages?data={pairs.id}&eval={prompts.id}")
    page.get_by_role("link", name="Launch with these stages").click()
    expect(page.get_by_role("heading", name="Launch", level=1)).to_be_visible()
    settle(page)
    expect(page.get_by_role("combobox", name="Evaluation prompts")).to_have_value(
        "held-out.json (20 rows)"
    )
    expect(page).to_have_url(re.compile(f"eval={prompts.id}"))


def test_a_first_launch_holds_prompts_out_and_says_all_that_stands_in_the_way(
    fresh_server: Server, page: Page, tmp_path: Path, picture: Picture
) -> None:
    studio = fresh_server.studio
    pairs = write_pairs_file(tmp_path / "mine.json")
    Keeper(studio.database, studio.artifacts).keep_pairs(pairs, "mine.json")
    open_page(page, f"{fresh_server.url}/launch?base=./nowhere&change=stage1.beta%3Dhot")
    launch = page.get_by_role("button", name="Launch", exact=True)
    expect(launch).to_be_disabled()
    expect(page.get_by_text("3 problems to solve first:")).to_be_visible()
    expect(page.get_by_text("Setting stage1.beta: must be a number (got 'hot').")).to_be_visible()
    expect(page.get_by_text("There is no base model in ./nowhere")).to_be_visible()
    expect(page.get_by_text("Choose a detector.")).to_be_visible()

    open_page(page, f"{fresh_server.url}/launch?base=gpt2&judge=org/judge")
    expect(page.get_by_role("combobox", name="Evaluation prompts")).to_have_value(
        "held out of mine.json"
    )
    expect(page.get_by_text("With 100 prompts, a model that improves every maxim")).to_be_visible()
    expect(page.get_by_text("with an evaluation prompt, held out of training")).to_be_visible()
    expect(launch).to_be_enabled()
    picture(page, "first-launch")


def test_leaking_prompts_are_told_in_the_pages_words(
    fresh_server: Server, page: Page, tmp_path: Path
) -> None:
    studio = fresh_server.studio
    keeper = Keeper(studio.database, studio.artifacts)
    keeper.keep_pairs(write_pairs_file(tmp_path / "mine.json"), "mine.json")
    rows = json.loads((tmp_path / "mine.json").read_text())
    (tmp_path / "part.json").write_text(json.dumps(rows[:5]))
    keeper.keep_pairs(tmp_path / "part.json", "part.json")
    open_page(page, f"{fresh_server.url}/launch?data=1&eval=2&base=gpt2&judge=org/judge")
    expect(page.get_by_text("Each of the 5 rows of part.json has a prompt")).to_be_visible()
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_disabled()
    page.get_by_text("More options", exact=True).click()
    page.get_by_role("radiogroup").get_by_text("leave those that are asked").click()
    expect(page.get_by_text(re.compile(r"With \d prompts?, a model"))).to_be_visible()
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_enabled()


def test_thresholds_data_and_prompts_come_along_through_the_sidebar(
    busy_server: Server, page: Page, tmp_path: Path
) -> None:
    """Whatever the last pipeline had."""
    keeper = Keeper(busy_server.studio.database, busy_server.studio.artifacts)
    mine = keeper.keep_pairs(write_pairs_file(tmp_path / "own.json", num=60, seed=9), "own.json")
    open_page(page, f"{busy_server.url}/stages?data={mine.id}")
    set_number(page, "manner >", "0.27")
    expect(page).to_have_url(re.compile("manner.above%3D0.27"))
    to_launch(page)
    expect(page).to_have_url(re.compile("manner.above%3D0.27"))
    expect(page.get_by_role("combobox", name="Data set")).to_have_value("own.json (60 pairs)")
    expect(page.get_by_role("combobox", name="Recipe", exact=True)).to_have_value(
        "content-then-manner (built in); 1 thresholds moved"
    )

    page.get_by_role("combobox", name="Evaluation prompts").click()
    page.get_by_role("option", name="held out of own.json").click()
    page.get_by_role("textbox", name="Base model").fill("org/other-base")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Base model org/other-base")).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Stages").click()
    expect(page.get_by_role("heading", name="Stages", level=1)).to_be_visible()
    settle(page)
    expect(page.get_by_role("spinbutton", name="manner >")).to_have_value("0.27")
    to_launch(page)
    expect(page.get_by_role("textbox", name="Base model")).to_have_value("org/other-base")


def to_launch(page: Page) -> None:
    """Through the sidebar."""
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Launch").click()
    expect(page.get_by_role("heading", name="Launch", level=1)).to_be_visible()
    settle(page)


def test_a_link_of_before_a_draft_was_saved_leads_to_what_it_was_saved_as(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    set_number(page, "manner >", "0.22")
    expect(page).to_have_url(re.compile("manner.above%3D0.22"))
    settle(page)
    before = page.get_by_role("link", name="Launch with these stages").get_attribute("href")
    page.get_by_role("button", name="Save as …").click()
    name = page.get_by_role("textbox", name="Name")
    name.fill("!")
    name.press("Enter")
    expect(page.get_by_text("Use at least one letter")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="Save")).to_be_disabled()
    name.fill("Just SaveD")
    name.press("Enter")
    expect(page.get_by_text("Saved as just-saved")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("combobox", name="Recipe", exact=True)).to_have_value("just-saved v1")
    assert before is not None
    # As the anchor that the browser still shows does it: the session stays.
    page.evaluate(
        """href => { history.pushState({}, "", href); dispatchEvent(new PopStateEvent("popstate")); }""",
        before,
    )
    expect(page.get_by_role("heading", name="Launch", level=1)).to_be_visible()
    settle(page)
    expect(page.get_by_role("combobox", name="Recipe", exact=True)).to_have_value("just-saved v1")


def test_the_commands_run_when_they_are_pasted(server: Server, page: Page, tmp_path: Path) -> None:
    open_page(page, f"{server.url}/stages?data=1&set=stage2.filter.manner.above%3D0.1")
    page.get_by_role("button", name="As a command").click()
    kept = page.get_by_text(re.compile("^keeps ")).last.inner_text()
    out = pasted(page.locator("code").inner_text(), tmp_path)
    assert kept.removeprefix("keeps ").split(" of ")[0] in out.partition("stage2")[2].split("\n")[0]

    open_page(
        page, f"{server.url}/launch?data=1&base=gpt2&judge=org/judge&change=stage1.epochs%3D1"
    )
    shown = page.locator("code").first.inner_text()
    assert "--set stage1.epochs=1" in shown
    # As far as it goes without models: pairs and recipe are found, and then it wants the judge.
    assert "grice: org/judge: " in pasted(shown, tmp_path)


def pasted(command: str, folder: Path) -> str:
    """Everything that a shell says to it."""
    at = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    shell = ["/bin/sh", "-c", command]
    done = subprocess.run(shell, cwd=folder, env=at, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
