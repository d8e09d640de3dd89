"""What the navigation needs to know of a page."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One page; its address is the name of its folder."""

    title: str
    icon: str
    position: int
    """In the navigation; the first page is the one that opens."""
    show: Callable[[], None]
