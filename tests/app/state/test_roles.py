"""Which role a person has, by what their provider says of them."""

from typing import Any

import pytest

from app.state.roles import name_of, role_of
from app.state.settings import AppSettings
from grice_core.store.actors import Role

ANN = {"email": "Ann@Example.org", "email_verified": True}
SETTINGS = AppSettings(
    admins=("ann@example.org", "group:ops"),
    members=("*@example.org", "group:lab"),
    viewers=("*@example.com", "group:guests"),
)


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        (ANN, Role.ADMIN),
        ({"email": "bob@example.org"}, Role.MEMBER),
        ({"email": "eve@example.com"}, Role.VIEWER),
        ({"email": "mallory@example.net"}, None),
        ({"email": "mallory@evil.net/@example.orgx"}, None),
        ({"sub": "7"}, None),
        ({"email": "mallory@example.net", "groups": ["guests", "lab"]}, Role.MEMBER),
        ({"sub": "7", "groups": "ops"}, Role.ADMIN),
        ({"sub": "7", "groups": ["ops2", "op"]}, None),
        ({"email": "group:ops"}, None),
        (ANN | {"email_verified": False}, None),
        (ANN | {"email_verified": "false", "groups": ["ops"]}, None),
    ],
)
def test_the_highest_role_that_is_named_counts(claims: dict[str, Any], role: Role | None) -> None:
    assert role_of(claims, SETTINGS) is role


def test_without_admins_and_viewers_whoever_may_sign_in_may_do_everything() -> None:
    assert role_of({"sub": "7"}, AppSettings()) is Role.ADMIN
    only_members = AppSettings(members=("*@example.org",))
    assert role_of(ANN, only_members) is Role.ADMIN
    assert role_of({"email": "eve@example.com"}, only_members) is None


def test_with_viewers_alone_nobody_else_comes_in() -> None:
    viewers = AppSettings(viewers=("*",))
    assert role_of(ANN, viewers) is Role.VIEWER
    assert role_of(ANN, AppSettings(admins=("bob@example.org",))) is None


def test_no_one_can_take_anothers_name() -> None:
    assert name_of(ANN) == "Ann@Example.org"
    assert name_of({"sub": "7", "name": "Ann"}) == "Ann (7)"
    assert name_of({"sub": "8", "name": "Ann (7)"}) == "Ann (7) (8)"
    assert name_of({"sub": "7"}) == "7"
