"""Another site's page, in the same browser, gets nothing from the studio."""

import threading
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.conftest import Server

pytestmark = pytest.mark.stack

OPENS = """address => new Promise(said => {
    const socket = new WebSocket(address);
    socket.onopen = () => said("open");
    socket.onerror = () => said("refused");
})"""


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab that may open other sites."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def other_site(tmp_path: Path) -> Iterator[str]:
    """Another program's page on this machine."""
    (tmp_path / "index.html").write_text("<title>Another site</title>")
    site = HTTPServer(
        ("127.0.0.1", 0), lambda *asked: SimpleHTTPRequestHandler(*asked, directory=str(tmp_path))
    )
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{site.server_port}"
    site.shutdown()
    site.server_close()


def test_a_foreign_name_for_the_same_machine_shows_nothing(server: Server, tab: Page) -> None:
    # Browsers take every name under .localhost to this machine, as a rebound one would lead there.
    foreign = server.url.replace("127.0.0.1", "other-site.localhost")

    answer = tab.goto(foreign)

    assert answer is not None
    assert answer.status == 403
    expect(tab.get_by_text("name its host in GRICE_HOSTS")).to_be_visible()
    assert tab.evaluate(OPENS, f"{foreign}/_stcore/stream".replace("http", "ws")) == "refused"


def test_a_page_of_another_port_can_not_drive_the_studio(
    server: Server, other_site: str, tab: Page
) -> None:
    stream = f"{server.url}/_stcore/stream".replace("http", "ws")
    tab.goto(server.url)
    assert tab.evaluate(OPENS, stream) == "open"

    tab.goto(other_site)

    assert tab.evaluate(OPENS, stream) == "refused"
