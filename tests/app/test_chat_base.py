"""A base with a chat template on the Launch page: one pair as the model will see it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.state.studio import Studio
from grice_core.registry import Keeper
from grice_core.settings import Settings
from tests.app.conftest import PATIENCE_MS, Server, free_port, serve
from tests.app.driving import choose, open_page, settle
from tests.chat import made
from tests.pipeline.world import write_chat_base, write_world

pytestmark = pytest.mark.stack

HOSTILE = "Is <b>bold</b> or **bold** ![x](http://nowhere.test/x.png) a word?\nSay so."


@pytest.fixture(scope="module")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """What `make run` starts, with pairs whose texts look like markup; and a link to launch a chat base."""
    home, world = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("world")
    write_world(world)
    write_chat_base(world / "chat", made.CHATML)
    rows = json.loads((world / "pairs.json").read_text())
    for row in rows:
        row["prompt"] += f" {HOSTILE}"
    (world / "pairs.json").write_text(json.dumps(rows))
    studio = Studio.open(Settings(home=home))
    keeper = Keeper(studio.database, studio.artifacts)
    pairs = keeper.keep_pairs(world / "pairs.json", "pairs.json")
    prompts = keeper.keep_prompts(world / "eval.json", "eval.json")
    detector = keeper.keep_detector(world / "detector")
    link = (
        f"launch?data={pairs.id}&eval={prompts.id}&base={world / 'chat'}&detector={detector.id}"
        "&precision=fp32&change=evaluation.max_new_tokens%3D6"
    )
    for server in serve(home, free_port(), "app"):
        yield server, f"{server.url}/{link}"


def open_pair(page: Page, link: str) -> None:
    """With what a worker measured, which it does by itself for a small base as soon as it listens."""
    open_page(page, link)
    while page.get_by_text("worker is listening; it waits").count():
        open_page(page, link)
    expect(page.get_by_text("Measured for these settings")).to_be_visible(timeout=5 * PATIENCE_MS)
    page.get_by_text("One pair as the model sees it").click()
    page.get_by_text("rejected response, after the same prompt").click()  # once it has unfolded
    settle(page)


def test_a_pair_is_shown_as_the_model_will_see_it(
    chat_server: tuple[Server, str], page: Page
) -> None:
    _, link = chat_server
    open_pair(page, link)
    expect(
        page.get_by_text("in the base's chat template. Marked: what is trained on")
    ).to_be_visible()
    expect(page.locator(".special").first).to_have_text("<|im_start|>")
    trained = page.locator("mark")
    expect(trained).to_have_count(2)
    expect(trained.first).to_have_text("they sleep in the sun.<|im_end|>↵\n")
    shown = page.locator(".text").first
    expect(shown).to_contain_text(HOSTILE.replace("\n", "↵\n"))
    expect(shown.locator("b, strong, img")).to_have_count(0)


def test_the_format_is_chosen_among_the_settings_and_stands_in_the_link_and_the_recipe(
    chat_server: tuple[Server, str], page: Page
) -> None:
    _, link = chat_server
    open_pair(page, link)
    page.get_by_text("Training and evaluation settings").click()
    page.get_by_label("Recipe overrides, one per line").click()  # once it has unfolded
    settle(page)  # a list that is open closes when the page scrolls
    choose(page, "How models are asked", "as plain text")
    expect(page).to_have_url(re.compile("prompt_format%3Dplain"))
    page.get_by_text("The whole recipe").click()
    expect(page.get_by_text("prompt_format: plain")).to_be_visible()


@pytest.mark.parametrize("look", ["light 1280", "dark 1280", "light 390", "dark 390"])
def test_the_pair_can_be_looked_at(
    chat_server: tuple[Server, str], browser: Browser, pictures: Path, look: str
) -> None:
    scheme, width = look.split()
    context = browser.new_context(
        viewport={"width": int(width), "height": 2200}, color_scheme=scheme
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    open_pair(page, chat_server[1])
    page.screenshot(path=pictures / f"launch-chat-{scheme}-{width}.png")
    sideways = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert sideways <= 0
    context.close()
