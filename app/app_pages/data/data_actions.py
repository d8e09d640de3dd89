"""What can be done with a data set as a whole: rename, delete, download."""

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from app.state.session import open_data, studio
from app.text.formatting import plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import guarded
from app.url import params
from grice_core.data.export import write_jsonl
from grice_core.store import data_sets
from grice_core.store.tables import DataSet

MAX_NAME = 120


def data_actions(data_set: DataSet) -> None:
    """One row of buttons."""
    with st.container(horizontal=True):
        if st.button("Rename", icon=":material/edit:", **allowed()):
            _rename(data_set)
        if st.button("Delete", icon=":material/delete:", **allowed()):
            _delete(data_set)
        st.download_button(
            "Download all",
            lambda: _content(data_set),
            f"{Path(data_set.name).stem}.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            on_click="ignore",
        )


@st.dialog("Rename the data set")
@guarded
def _rename(data_set: DataSet) -> None:
    name = st.text_input("Name", value=data_set.name, max_chars=MAX_NAME).strip()
    if st.button("Rename", type="primary", disabled=not name, key="do_rename"):
        data_sets.rename(studio().database, data_set.id, name)
        st.rerun()


@st.dialog("Delete the data set?")
@guarded
def _delete(data_set: DataSet) -> None:
    st.markdown(
        f"“{plain_markdown(data_set.name)}” and its {data_set.num_usable:,} pairs will be deleted permanently."
    )
    if st.button("Delete", type="primary", key="do_delete"):
        data_sets.remove(studio().database, data_set.id)
        params.drop("data")
        st.rerun()


def _content(data_set: DataSet) -> bytes:
    with TemporaryDirectory(dir=studio().scratch) as folder:
        path = Path(folder) / "pairs.jsonl"
        write_jsonl(path, open_data(data_set.artifact_sha256).table)
        return path.read_bytes()
