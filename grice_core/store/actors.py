"""Who acts on the store, and what each role allows."""

import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from pathlib import Path

from grice_core.account import account_name

_MAX_WORDS = 2


class Role(StrEnum):
    """What a person may do; each role includes the ones before it."""

    VIEWER = "viewer"
    """See everything, change nothing."""
    MEMBER = "member"
    """Add, launch and ask; stop and remove what is one's own."""
    ADMIN = "admin"
    """Everything, also what belongs to others."""

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Actor:
    """A person, or the account of a program, that asks for a change."""

    name: str
    """At sign-in the e-mail address; empty: not known."""
    role: Role
    source: str
    """Where it asks from: the command, or the dashboard with the person's address."""

    def owns(self, owner: str) -> bool:
        """Whether something that this owner started is the actor's own."""
        return bool(owner) and owner.casefold() == self.name.casefold()


def this_account() -> Actor:
    """The account that this process runs under; anyone who can start one here may do everything."""
    return Actor(account_name(), Role.ADMIN, f"{' '.join(_command())} on {socket.gethostname()}")


def _command() -> Iterator[str]:
    """The program and its sub-command, without arguments, which may be anything."""
    yield Path(sys.argv[0]).name or "python"
    yield from [*takewhile(str.isalpha, sys.argv[1:])][:_MAX_WORDS]
