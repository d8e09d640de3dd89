"""The account that a process runs under."""

import getpass


def account_name() -> str:
    """Its name; empty if it has none, as in a container that runs under a mere number."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
