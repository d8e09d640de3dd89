"""What a person does in the browser, in words."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NotInTimeError


def open_page(page: Page, url: str) -> None:
    """Go there, and wait until the page has drawn itself."""
    page.goto(url)
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page has stopped running."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    # What the last message brought may still have to load its script.
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def set_number(page: Page, label: str, value: str) -> None:
    """Type into a number field and leave it."""
    field = page.get_by_role("spinbutton", name=label)
    field.fill(value)
    field.press("Enter")


def drag_line(page: Page, label: str, to: float, *, release: bool = True) -> None:
    """Drag a threshold's line on its histogram, in small moves, until it is at a value."""
    line = page.get_by_role("slider", name=label).first
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    step = 1 if to > float(line.get_attribute("aria-valuenow") or 0) else -1
    while step * (to - float(line.get_attribute("aria-valuenow") or 0)) > 1e-9:
        x += step
        page.mouse.move(x, y)
        page.wait_for_timeout(20)  # a frame
    if release:
        page.mouse.up()


def text_of(page: Page, text: str) -> Locator:
    """An element of the page's main part that holds this text."""
    return page.get_by_test_id("stMain").get_by_text(text)


def upload(page: Page, path: Path) -> None:
    """Choose a file on the Data page."""
    if page.get_by_text("Add pairs").count():
        page.get_by_text("Add pairs").click()
    page.locator("input[type=file]").first.set_input_files(path)


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a list; one that was opened while the page still grew closes, and is opened again."""
    wanted = page.get_by_role("option", name=option)
    for _ in range(5):
        page.get_by_role("combobox", name=label).click()
        try:
            wanted.click(timeout=10_000)
        except NotInTimeError:
            continue
        return
    raise AssertionError(f"{label} never offered {option}")


def sideways(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    wider: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider


def assert_nothing_serious(page: Page) -> None:
    """Everybody can read the page, as far as axe-core knows."""
    found = Axe().run(page).response["violations"]
    serious = {
        fault["id"]: [node["html"][:200] for node in fault["nodes"]]
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    }
    assert serious == {}
