"""The dashboard's entry point: one frame around all pages."""

from pathlib import Path

import streamlit as st

from app import link
from app.app_pages import (
    compare,
    data,
    detector,
    launch,
    overview,
    playground,
    runs,
    stages,
    system,
)
from app.components.link_history import link_history
from app.components.sign_in import let_in
from app.components.status_line import status_line
from app.failures import guarded
from app.navigation import keep_pages
from app.widget_keys import note_page

_ASSETS = Path(__file__).parent / "assets"


def main() -> None:
    """Show the page that the link names."""
    # A local picture: the browser would fetch a named icon from elsewhere.
    st.set_page_config(page_title="Grice Studio", page_icon=_ASSETS / "icon.svg", layout="wide")
    st.html(_ASSETS / "theme.css")
    st.logo(_ASSETS / "logo.svg", icon_image=_ASSETS / "icon.svg")
    if not let_in():
        return
    pages = {
        "overview": st.Page(overview.show, title="Overview", icon=":material/home:", default=True),
        "data": st.Page(data.show, title="Data", icon=":material/table_rows:", url_path="data"),
        "stages": st.Page(
            stages.show, title="Stages", icon=":material/content_cut:", url_path="stages"
        ),
        "detector": st.Page(
            detector.show, title="Detector", icon=":material/gavel:", url_path="detector"
        ),
        "launch": st.Page(
            launch.show, title="Launch", icon=":material/rocket_launch:", url_path="launch"
        ),
        "runs": st.Page(runs.show, title="Runs", icon=":material/monitoring:", url_path="runs"),
        "compare": st.Page(
            compare.show, title="Compare", icon=":material/balance:", url_path="compare"
        ),
        "playground": st.Page(
            playground.show, title="Playground", icon=":material/forum:", url_path="playground"
        ),
        "system": st.Page(system.show, title="System", icon=":material/dns:", url_path="system"),
    }
    keep_pages(pages)
    page = st.navigation(list(pages.values()))
    link.begin(is_another_page=note_page(page.url_path))
    with st.sidebar:
        running = st.container()
        link_history()
    guarded(page.run)()
    with running:  # by now the page has asked for what it was told to ask for
        status_line()


main()
