"""Accounts of each role, signed in at a real provider of identities, through the browser."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.state.studio import Studio
from grice_core.settings import Settings
from grice_core.store import audit, data_sets, pipelines
from grice_core.store.actors import Actor, Role
from tests.app.conftest import PATIENCE_MS, Picture, Server, free_port, serve
from tests.app.identity import Provider, provider
from tests.app.pipelines import fill

pytestmark = pytest.mark.stack

ADMIN = {"sub": "1", "email": "ann@example.org", "email_verified": True}
MEMBER = {"sub": "2", "email": "bob@example.org", "email_verified": True, "groups": ["lab"]}
VIEWER = {"sub": "3", "email": "eve@example.com", "email_verified": True}
STRANGER = {"sub": "4", "email": "mallory@example.net", "email_verified": True, "groups": ["other"]}


@pytest.fixture(scope="module")
def identities() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture(scope="module")
def studio(identities: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard behind a sign-in, with pipelines that cat@example.org started."""
    home, port = tmp_path_factory.mktemp("roles"), free_port()
    cat = Actor("cat@example.org", Role.MEMBER, "test")
    fill(Studio.open(Settings(home=home), lambda: cat), home)
    secrets = home / "secrets.toml"
    secrets.write_text(identities.secrets(f"http://127.0.0.1:{port}"))
    yield from serve(
        home,
        port,
        "app.serve",
        GRICE_SECRETS=str(secrets),
        GRICE_ADMINS='["ann@example.org"]',
        GRICE_MEMBERS='["group:lab"]',
        GRICE_VIEWERS='["*@example.com"]',
    )


@contextmanager
def signed_in(
    browser: Browser, studio: Server, identities: Provider, person: dict[str, object]
) -> Iterator[Page]:
    """A person's browser, after the sign-in."""
    identities.person = person
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(studio.url)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)
    yield page
    context.close()


def test_a_viewer_sees_everything_and_every_change_is_disabled_with_its_reason(
    studio: Server, identities: Provider, browser: Browser, picture: Picture
) -> None:
    with signed_in(browser, studio, identities, VIEWER) as page:
        for path, button in (
            ("data", "Rename"),
            ("stages", "Save as …"),
            ("launch", "Launch"),
            ("runs?pipeline=1", "Delete"),
            ("system", "Run checks"),
        ):
            page.goto(f"{studio.url}/{path}")
            found = page.get_by_test_id("stMain").get_by_role("button", name=button, exact=True)
            expect(found).to_be_disabled()
        expect(page.get_by_text("You are a viewer")).to_be_visible()
        expect(page.get_by_text("Only admins see it")).to_be_visible()
        page.goto(f"{studio.url}/data")
        rename = page.get_by_role("button", name="Rename", exact=True)
        rename.hover(force=True)
        expect(page.get_by_text("is a viewer").first).to_be_visible()
        picture(page, "viewer data")


def test_a_member_changes_what_is_shared_and_their_own_but_not_others_work(
    studio: Server, identities: Provider, browser: Browser
) -> None:
    with signed_in(browser, studio, identities, MEMBER) as page:
        page.goto(f"{studio.url}/runs?pipeline=1")
        expect(page.get_by_role("button", name="Delete", exact=True)).to_be_disabled()
        page.goto(f"{studio.url}/data?data=1")
        page.get_by_role("button", name="Rename", exact=True).click()
        page.get_by_role("textbox", name="Name").fill("by bob")
        page.get_by_role("dialog").get_by_role("button", name="Rename").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert data_sets.get(studio.studio.database, 1).name == "by bob"
    entry = audit.page(studio.studio.database)[0]
    assert (entry.actor, entry.role, entry.action) == (MEMBER["email"], "member", "rename data set")
    assert entry.source.startswith("dashboard")


def test_an_admin_deletes_what_others_started_and_reads_who_did_what(
    studio: Server, identities: Provider, browser: Browser, picture: Picture
) -> None:
    with signed_in(browser, studio, identities, ADMIN) as page:
        page.goto(f"{studio.url}/runs?pipeline=1")
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete permanently").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.goto(f"{studio.url}/system")
        expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download all (CSV)").click()
        lines = download.value.path().read_text().splitlines()
        assert "ann@example.org,admin,remove pipeline,pipeline,1" in lines[1]
        picture(page, "audit log")
    assert 1 not in [each.pipeline.id for each in pipelines.page(studio.studio.database)]


def test_who_has_no_role_stays_outside(
    studio: Server, identities: Provider, browser: Browser
) -> None:
    with signed_in(browser, studio, identities, STRANGER) as page:
        expect(page.get_by_text("not a member")).to_be_visible()
        expect(page.get_by_role("link", name="Data")).to_have_count(0)


UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def sessions_of(page: Page) -> list[str]:
    """Numbers that the page's server tells it, the session's among them; grows as the page is used."""
    told: list[str] = []

    def note(payload: bytes | str) -> None:
        content = payload if isinstance(payload, bytes) else payload.encode()
        told.extend(found.decode() for found in UUID.findall(content))

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    return told


def put(context: BrowserContext, studio: Server, session: str, xsrf: str | None) -> int:
    """Send a file as the page's uploader does; returns the answer's status."""
    sent = context.request.put(
        f"{studio.url}/_stcore/upload_file/{session}/{uuid.uuid4()}",
        multipart={"file": {"name": "a.json", "mimeType": "text/plain", "buffer": b"[]"}},
        headers={"Origin": studio.url} | ({} if xsrf is None else {"X-Xsrftoken": xsrf}),
    )
    return sent.status


def xsrf_of(context: BrowserContext) -> str:
    return next(c["value"] for c in context.cookies() if c["name"] == "_streamlit_xsrf")


@pytest.mark.parametrize(
    ("person", "may_send"),
    [(None, False), (STRANGER, False), (VIEWER, False), (MEMBER, True), (ADMIN, True)],
)
def test_only_members_send_files_whoever_has_a_page_open(
    studio: Server,
    identities: Provider,
    browser: Browser,
    person: dict[str, object] | None,
    may_send: bool,
) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    told = sessions_of(page)
    identities.person = person or {}
    page.goto(studio.url)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    if person is not None:
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign in")).to_have_count(0)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    sessions, token = set(told), xsrf_of(context)
    assert sessions

    statuses = {put(context, studio, session, token) for session in sessions}
    assert (204 in statuses) if may_send else (statuses == {403})
    for forged in (None, "2|00000000|00|0"):
        assert {put(context, studio, session, forged) for session in sessions} == {403}
    context.close()


def test_a_file_of_a_session_that_is_not_there_is_refused(
    studio: Server, identities: Provider, browser: Browser
) -> None:
    with signed_in(browser, studio, identities, MEMBER) as page:
        context = page.context
        assert put(context, studio, str(uuid.uuid4()), xsrf_of(context)) == 400
