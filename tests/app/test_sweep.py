"""Sweep: asked for with what the form says, followed, stopped, and its winner taken to Launch."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from app.state.studio import Studio
from grice_core.settings import Settings
from grice_core.store import sweeps
from grice_core.store.states import SweepState
from tests.app.conftest import Picture, Server, free_port, serve
from tests.app.driving import open_page, settle
from tests.app.sweeps import fill_with_sweeps

pytestmark = pytest.mark.stack

FORM = "sweep?show=New+sweep&data=1&eval=2&base=gpt2-medium&detector=org/judge"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with a sweep that is done, and one that is under way."""
    home = tmp_path_factory.mktemp("swept")
    fill_with_sweeps(Studio.open(Settings(home=home)), home)
    yield from serve(home, free_port(), "app.serve")


def test_both_figures_of_the_winner_are_said_and_its_recipe_opens_in_launch(
    swept: Server, page: Page
) -> None:
    open_page(page, f"{swept.url}/sweep?sweep=1")
    expect(page.get_by_text("Succeeded: 12 of 12 trials ended · 1 failed")).to_be_visible()
    expect(page.get_by_text("on the 120 prompts that it was chosen by")).to_be_visible()
    expect(page.get_by_text("on 120 others: believe the second.")).to_be_visible()
    expect(page.get_by_text("Trial 3: stage2: no pair is left.")).to_be_visible()
    page.get_by_role("link", name="Launch with the winner's recipe").click()
    settle(page)
    expect(page.get_by_role("heading", name="Launch")).to_be_visible()
    recipe = page.get_by_role("combobox", name="Recipe", exact=True)
    expect(recipe).to_have_value("content-then-manner-sweep-1 v1")
    page.get_by_role("combobox", name="Recipe", exact=True).click()
    expect(page.get_by_role("option", name="content-then-manner (built in)")).to_be_visible()
    expect(page.get_by_role("option", name="trials")).to_have_count(0)


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ("Parallel coordinates", "11 trials as lines"),
        ("Pareto front", "Violations of quantity against manner with 95 % intervals"),
        ("Importance", "How much each setting matters: stage2.beta"),
    ],
)
def test_each_figure_stands_in_the_link(swept: Server, page: Page, view: str, said: str) -> None:
    open_page(page, f"{swept.url}/sweep?sweep=1")
    page.get_by_role("radio", name=view).click()
    expect(page.get_by_label(said)).to_be_visible()
    settle(page)
    open_page(page, page.url)
    expect(page.get_by_label(said)).to_be_visible()


def test_what_is_asked_for_is_a_sweep_with_what_the_form_says(swept: Server, page: Page) -> None:
    open_page(page, f"{swept.url}/{FORM}&trials=3&seeds=2")
    expect(page.get_by_text("At most 11 pipelines")).to_be_visible()
    beta = page.get_by_role("textbox", name="stage2.beta")
    beta.fill("0.5..0.1")
    beta.press("Enter")
    expect(page.get_by_text("the first number has to be below the second")).to_be_visible()
    start = page.get_by_role("button", name="Start the sweep")
    expect(start).to_be_disabled()
    beta.fill("0.1..0.5")
    beta.press("Enter")
    expect(start).to_be_enabled()
    start.dblclick()
    expect(page.get_by_text("Running: 0 of 3 trials ended")).to_be_visible()
    newest = sweeps.page(swept.studio.database)[0]
    assert newest.search["varied"][0] == "stage2.beta=0.1..0.5"
    assert (newest.search["num_trials"], newest.search["num_seeds"]) == (3, 2)
    assert len(sweeps.page(swept.studio.database)) == 3


def test_one_under_way_is_cancelled_and_resumed(swept: Server, page: Page) -> None:
    open_page(page, f"{swept.url}/sweep?sweep=2")
    expect(page.get_by_text("Running: 2 of 6 trials ended · 2 under way")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled: ")).to_be_visible()
    assert sweeps.get(swept.studio.database, 2).state is SweepState.CANCELLED
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Running: 2 of 6 trials ended · 2 under way")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_has_to_be_scrolled_sideways(
    swept: Server, page: Page, picture: Picture, width: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    links = {"done": "sweep?sweep=1", "under-way": "sweep?sweep=2", "asked": FORM}
    for title, link in links.items():
        open_page(page, f"{swept.url}/{link}")
        picture(page, f"sweep-{title}-{scheme}-{width}")
        sideways = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert sideways <= 0
