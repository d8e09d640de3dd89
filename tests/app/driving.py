"""What a person does in the browser, in words."""

from playwright.sync_api import Locator, Page, expect


def open_page(page: Page, url: str) -> None:
    """Go there, and wait until the page has drawn itself."""
    page.goto(url)
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page has stopped running."""
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def set_number(page: Page, label: str, value: str) -> None:
    """Type into a number field and leave it."""
    field = page.get_by_role("spinbutton", name=label)
    field.fill(value)
    field.press("Enter")


def text_of(page: Page, text: str) -> Locator:
    """An element of the page's main part that holds this text."""
    return page.get_by_test_id("stMain").get_by_text(text)
