"""Back leads to what a user saw before, not to the same page with an incomplete link."""

from pathlib import Path

from streamlit.components import v2

_render = v2.component(
    "grice_link_history", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def link_history() -> None:
    """Watch what goes into the browser's history; shows nothing."""
    _render(key="link history")
