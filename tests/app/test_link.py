"""What is chosen is kept, however far the browser is behind: it tells a page's link with all it asks."""

import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.app.conftest import PATIENCE_MS, Server
from tests.app.driving import open_page, set_number, settle

pytestmark = pytest.mark.stack


class Held:
    """What the server says, kept from the browser for a while."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._is_held = False
        self._messages: list[str | bytes] = []
        page.route_web_socket(re.compile("/_stcore/stream"), self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        server = socket.connect_to_server()
        server.on_message(self._on_message)

    def _on_message(self, message: str | bytes) -> None:
        if self._is_held:
            self._messages.append(message)
        else:
            self._socket.send(message)

    def hold(self) -> None:
        self._is_held = True

    def wait_until_told(self, part: bytes) -> None:
        """Wait until the server has told a link with this in it."""
        for _ in range(PATIENCE_MS // 50):
            if any(part in message for message in self._messages if isinstance(message, bytes)):
                return
            self._page.wait_for_timeout(50)
        pytest.fail(f"the server has not told {part!r}")

    def release(self) -> None:
        self._is_held = False
        for message in self._messages:
            self._socket.send(message)
        self._messages = []


@pytest.fixture
def held(page: Page) -> Held:
    return Held(page)


def expect_link(page: Page, *parts: str) -> None:
    for part in parts:
        expect(page).to_have_url(re.compile(re.escape(part)))


def test_choices_are_kept_that_are_made_before_the_link_is_told(
    busy_server: Server, page: Page, held: Held
) -> None:
    open_page(page, f"{busy_server.url}/compare?pipeline=1")
    held.hold()
    page.get_by_role("radiogroup", name="Filter by").get_by_text("relation").click()
    held.wait_until_told(b"by=relation")
    page.get_by_role("radio", name="all (80)").click()
    held.wait_until_told(b"show=all")
    held.release()

    expect_link(page, "by=relation", "show=all", "pipeline=1")
    expect(page.get_by_role("radio", name="relation")).to_be_checked()
    expect(page.get_by_text("80 prompts, the largest change first")).to_be_visible()


def test_thresholds_of_both_stages_are_kept_that_are_moved_before_the_link_is_told(
    server: Server, page: Page, held: Held
) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    held.hold()
    set_number(page, "manner >", "0.05")
    held.wait_until_told(b"manner.above%3D0.05")
    set_number(page, "quantity + relation >", "0.6")
    held.wait_until_told(b"above%3D0.6")
    page.get_by_role("radio", name="Stage 2").click()
    held.wait_until_told(b"stage=stage2")
    held.release()

    expect_link(page, "manner.above%3D0.05", "above%3D0.6", "stage=stage2", "data=1")
    settle(page)
    page.get_by_role("button", name="Undo").click()
    expect(page).not_to_have_url(re.compile(r"above%3D0\.6"))
    expect(page).to_have_url(re.compile(r"manner\.above%3D0\.05"))


def test_what_is_typed_into_a_launch_is_kept_before_the_link_is_told(
    busy_server: Server, page: Page, held: Held
) -> None:
    open_page(page, f"{busy_server.url}/launch?data=1")
    held.hold()
    set_number(page, "Seed", "7")
    held.wait_until_told(b"seed=7")
    set_number(page, "Repeats", "2")
    held.wait_until_told(b"repeats=2")
    page.get_by_text("only evaluate").click()
    held.wait_until_told(b"what=evaluate")
    held.release()

    expect_link(page, "seed=7", "repeats=2", "what=evaluate")
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value("7")
    expect(page.get_by_role("spinbutton", name="Repeats")).to_have_value("2")
    expect(page.get_by_role("radio", name="only evaluate")).to_be_checked()


def test_back_is_followed_though_a_choice_was_made_before(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Report")
    page.get_by_role("radio", name="Conflicts").click()
    expect(page).to_have_url(re.compile("view=Conflicts"))
    page.go_back()
    settle(page)
    expect(page.get_by_role("radio", name="Report").first).to_be_checked()
    page.get_by_role("radio", name="Duplicates").first.click()
    settle(page)
    expect(page.get_by_role("radio", name="Duplicates")).to_be_checked()
    expect(page).to_have_url(re.compile("data=1&view=Duplicates"))
