"""Signing in at a real provider of identities, through the browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.server.privacy import check_is_private
from app.state.settings import AppSettings
from grice_core.errors import InputError
from tests.app.conftest import PATIENCE_MS, Server, free_port, serve
from tests.app.identity import Provider, provider


@pytest.fixture(scope="module")
def identities() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(identities: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Everything, behind a sign-in that members of example.org alone may pass."""
    home, port = tmp_path_factory.mktemp("guarded"), free_port()
    secrets = home / "secrets.toml"
    secrets.write_text(identities.secrets(f"http://127.0.0.1:{port}"))
    yield from serve(
        home, port, "app", GRICE_SECRETS=str(secrets), GRICE_MEMBERS='["*@example.org"]'
    )


@contextmanager
def stranger(browser: Browser) -> Iterator[Page]:
    """A browser that was never here."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.mark.stack
def test_nothing_is_shown_before_the_sign_in(guarded: Server, browser: Browser) -> None:
    with stranger(browser) as page:
        for path in ("", "system", "data"):
            page.goto(f"{guarded.url}/{path}")
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            expect(page.get_by_role("link", name="Data")).to_have_count(0)


@pytest.mark.stack
def test_a_member_comes_in_is_listed_and_can_leave(
    guarded: Server, identities: Provider, browser: Browser
) -> None:
    identities.person = {"sub": "1", "email": "ann@example.org", "email_verified": True}
    with stranger(browser) as page:
        page.goto(guarded.url)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.get_by_role("link", name="System").click()
        expect(page.get_by_text("ann@example.org (you)")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.stack
@pytest.mark.parametrize(
    "person",
    [
        {"sub": "2", "email": "eve@elsewhere.net", "email_verified": True},
        {"sub": "3", "email": "ann@example.org", "email_verified": False},
        {"sub": "4"},
    ],
)
def test_who_is_no_member_stays_outside(
    guarded: Server, identities: Provider, browser: Browser, person: dict[str, object]
) -> None:
    identities.person = person
    with stranger(browser) as page:
        page.goto(guarded.url)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("not a member")).to_be_visible()
        expect(page.get_by_role("link", name="Data")).to_have_count(0)


def wanted(tmp_path: Path, content: str | None, **changes: object) -> AppSettings:
    secrets = tmp_path / "secrets.toml"
    if content is not None:
        secrets.write_text(content)
    return AppSettings.model_validate({"address": "0.0.0.0", "secrets": secrets, **changes})  # noqa: S104


def test_beyond_loopback_a_file_of_secrets_that_configures_no_sign_in_is_not_enough(
    tmp_path: Path,
) -> None:
    for content in (None, "", "[database]\nurl = 1\n", "[auth]\n"):
        with pytest.raises(InputError, match="configure sign-in"):
            check_is_private(wanted(tmp_path, content))
    check_is_private(wanted(tmp_path, '[auth]\nclient_id = "x"\n'))


def test_in_so_many_words_it_can_be_done_without(tmp_path: Path) -> None:
    check_is_private(wanted(tmp_path, None, anybody_may_use_it=True))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"secrets\.toml.*can't be read"):
        check_is_private(wanted(tmp_path, "[auth"))
