"""The dashboard's entry point: one frame around all pages."""

from pathlib import Path

import streamlit as st

from app.app_pages import all_pages
from app.state.session import studio
from app.ui.errors import guarded, show_error
from app.ui.sign_in import let_in
from app.ui.status_line import status_line
from app.url import params
from app.url.link_history import link_history
from app.url.navigation import keep_pages
from app.url.widget_keys import note_page
from grice_core.errors import StoreError
from grice_core.store import migrate

_ASSETS = Path(__file__).parent / "assets"


def main() -> None:
    """Show the page that the link names."""
    # A local picture: the browser would fetch a named icon from elsewhere.
    st.set_page_config(page_title="Grice Studio", page_icon=_ASSETS / "icon.svg", layout="wide")
    st.html(_ASSETS / "theme.css")
    st.logo(_ASSETS / "logo.svg", icon_image=_ASSETS / "icon.svg")
    if not let_in() or not _can_be_shown():
        return
    pages = {
        name: st.Page(
            page.show, title=page.title, icon=page.icon, url_path=name, default=number == 0
        )
        for number, (name, page) in enumerate(all_pages().items())
    }
    keep_pages(pages)
    page = st.navigation(list(pages.values()))
    params.begin(is_another_page=note_page(page.url_path))
    with st.sidebar:
        running = st.container()
        link_history()
    guarded(page.run)()
    with running:  # by now the page has queued what it was to queue
        status_line()


def _can_be_shown() -> bool:
    """Whether the database has this version's tables; another may have upgraded them since it began."""
    try:
        migrate.check(studio().database)
    except StoreError as error:
        show_error(error)
        return False
    return True


main()
