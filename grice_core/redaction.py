"""Addresses as messages may show them: without passwords and keys."""

import re

_SCHEME = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:/{1,3})?")
_QUERY_VALUE = re.compile(r"([?&;][^=&;]*=)[^&;]*")
_HIDDEN = "…"


def redacted(url: str) -> str:
    """An address without what stands before its last `@`, and without the values of its query.

    Mistyped ones too, in which no parser would find the password: `postgresql//me:secret@host/name`.
    """
    scheme, credentials, rest = _parts(url)
    shown = f"{scheme}{_HIDDEN}{rest}" if credentials else url
    return _QUERY_VALUE.sub(rf"\1{_HIDDEN}", shown)


def hide_credentials(text: str, url: str) -> str:
    """A library's message about an address, without the passwords and keys that the address holds."""
    _, credentials, _ = _parts(url)
    shown = text.replace(url, redacted(url))
    return shown.replace(credentials, _HIDDEN) if credentials else shown


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, credentials, and what follows, with its `@`."""
    found = _SCHEME.match(url)
    scheme = found.group() if found else ""
    credentials, at, rest = url[len(scheme) :].rpartition("@")
    return scheme, credentials, at + rest
