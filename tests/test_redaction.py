"""No message shows what an address holds of passwords and keys."""

import pytest

from grice_core.errors import GriceError
from grice_core.redaction import hide_credentials, redacted
from grice_core.store.engine import connect
from grice_core.store.objects import ObjectStore
from worker.connection import client_of

SECRET = "hush-hush"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://me:{SECRET}@host/name", "postgresql://…@host/name"),
        (f"postgresql://me:{SECRET}@more@host/name", "postgresql://…@host/name"),
        (f"postgresql://me:{SECRET}/more@host/name", "postgresql://…@host/name"),
        (f"postgresql//me:{SECRET}@host/name", "…@host/name"),
        (f"postgresql:/me:{SECRET}@host/name", "postgresql:/…@host/name"),
        (f"me:{SECRET}@host", "…@host"),
        (f"redis://:{SECRET}@host:6379/0", "redis://…@host:6379/0"),
        (f"s3://key:{SECRET}@bucket/folder", "s3://…@bucket/folder"),
        (
            f"postgresql://host/name?user=me&password={SECRET}",
            "postgresql://host/name?user=…&password=…",
        ),
        ("sqlite:////folder/grice.db", "sqlite:////folder/grice.db"),
        ("s3://bucket/folder", "s3://bucket/folder"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_a_librarys_message_is_shown_without_them() -> None:
    url = f"s3://key:{SECRET}@bucket/folder"
    said = f"no such bucket: key:{SECRET}@bucket (in {url})"
    assert hide_credentials(said, url) == "no such bucket: …@bucket (in s3://…@bucket/folder)"
    assert hide_credentials("no such bucket", "s3://bucket") == "no such bucket"


@pytest.mark.parametrize(
    ("opens", "url"),
    [
        (connect, f"postgresql//me:{SECRET}@host/name"),
        (connect, f"postgresql://me:{SECRET}@host:54x2/name"),
        (connect, f"mysql://me:{SECRET}@host/name"),
        (connect, f"mysql://host/name?password={SECRET}"),
        (client_of, f"redis//:{SECRET}@host"),
        (client_of, f"redis://:{SECRET}@host:63x9/0"),
        (ObjectStore, f"no-such-kind://key:{SECRET}@bucket"),
    ],
)
def test_an_address_that_can_not_be_used_is_named_without_its_secrets(opens, url: str) -> None:
    with pytest.raises(GriceError, match="which") as refused:
        opens(url)
    assert SECRET not in str(refused.value)
    assert "…" in str(refused.value)


def test_what_an_artifact_store_says_of_itself_hides_its_keys() -> None:
    store = ObjectStore(f"memory://key:{SECRET}@bucket/folder")
    assert store.url == "memory://…@bucket/folder"
    with pytest.raises(GriceError) as missing:
        list(store.chunks("nothing"))
    assert SECRET not in str(missing.value)
