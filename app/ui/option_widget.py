"""A widget for one of a pipeline's options, made from what the option says of itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.ui.leakage_view import RULES
from app.url.widgets import linked_number, linked_radio, linked_text
from grice_core.pipeline.options import Option

_TITLES: Mapping[str, Mapping[str, str]] = {"leakage": RULES}
"""What choices are called, where it isn't what a command calls them."""
_MOST = 10_000
"""Of a number that has no limit of its own."""


def option_widget(
    option: Option, at_most: int = _MOST, choices: Sequence[str] | None = None
) -> Any:
    """Show the option's widget, whose choice stands in the link; returns the option's value.

    `choices` are those that make sense here, if not all do.
    """
    about = option.about
    if option.choices:
        titles = _TITLES.get(option.name, {})
        chosen = linked_radio(
            about.label,
            option.link,
            choices or option.choices,
            lambda choice: titles.get(choice, choice),
            help=about.help,
        )
        return about.parse(chosen) if about.parse else chosen
    if option.type is int:
        low = option.at_least or 0
        return linked_number(
            about.label, option.link, option.default, low, at_most, help=about.help
        )
    typed = linked_text(about.label, option.link, help=about.help, max_chars=option.at_most)
    return typed[: option.at_most] or option.default
