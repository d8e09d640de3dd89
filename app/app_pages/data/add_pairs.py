"""Bringing pairs in: uploaded by the browser, or read from where the server reaches."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.app_pages.data.findings_view import Findings, findings_view
from app.app_pages.data.from_server import import_from, read_from_address
from app.app_pages.data.reading_form import reading_form
from app.state.pending_uploads import (
    PendingUpload,
    discard_by_name,
    discard_pending,
    keep_pending,
    pending_uploads,
    read_pending,
)
from app.state.reading import read_apart
from app.state.session import select_data_set, studio
from app.text.formatting import count_of, plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import show_error
from app.ui.uploads import as_file
from grice_core.data.fields import UnknownFieldsError
from grice_core.data.layouts.opening import PromptsAloneError, Reading, UnclearLayoutError
from grice_core.data.load import LoadedPairs
from grice_core.data.places import find
from grice_core.errors import DataError
from grice_core.registry import Keeper, json_lines, report_of
from grice_core.settings import settings
from grice_core.store.tables import DataSet

FORMATS = "JSON, JSON Lines, CSV, Parquet or Arrow, also compressed (.gz, .zst), or Excel (.xlsx)"
_REFUSED = "refused file"


@dataclass(frozen=True, eq=False)
class Refused:
    """A file of which nothing can be used."""

    origin: str
    """Tells the same file offered again, at the next run of the page, from another one."""
    reason: DataError


def add_pairs() -> None:
    """The ways in, and what they take."""
    limit = st.get_option("server.maxUploadSize")
    st.caption(
        f"{FORMATS}; fields prompt, chosen, rejected, and the eight scores if there are any, or the "
        "layout of another program. "
        f"Up to {limit:,} MB. Larger files: put them in GRICE\\_IMPORT\\_DIR on the server, then "
        "import them here."
    )
    uploaded = st.file_uploader("Upload pairs", key=_uploader_key(), **allowed())
    origins = [_check_upload(uploaded)] if uploaded is not None else []
    import_dir = settings().import_dir
    if import_dir is not None:
        origins.append(import_from(import_dir, _check))
    beginnings = settings().data_addresses
    if beginnings:
        origins.append(read_from_address(beginnings, _check))
    refused: Refused | None = st.session_state.get(_REFUSED)
    if refused is not None and refused.origin in origins:
        show_error(refused.reason)
        st.caption("Nothing was stored.")
    else:  # the file was taken away, or another one chosen
        st.session_state.pop(_REFUSED, None)
    for pending in pending_uploads():
        _decide(pending)


def _check_upload(uploaded: UploadedFile) -> str:
    """Read an uploaded file once; returns its origin."""
    refused: Refused | None = st.session_state.get(_REFUSED)
    if refused is None or refused.origin != uploaded.file_id:
        with as_file(uploaded) as path:
            _check(path, uploaded.file_id)
    return uploaded.file_id


def _check(path: Path, origin: str) -> None:
    """Read a file, and store it if all its rows can be used; else it waits for a decision."""
    bar = st.progress(0.0, text="Reading …")

    def progress(task: str, done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), text=plain_markdown(task))

    st.session_state.pop(_REFUSED, None)
    try:
        known = _keeper().known(find(path))
        if known is not None:
            _show_stored(known, f"Already stored as “{plain_markdown(known.name)}”.")
        outcome = read_apart(path, progress)
        if not outcome.unusable.num_rows or not len(outcome.table):  # nothing to decide
            _store(outcome, path.name)
        _wait_for_a_decision(path)
    except PromptsAloneError:
        _store_prompts(path, origin)
    except (UnclearLayoutError, UnknownFieldsError):  # its user can say what is what
        _wait_for_a_decision(path)
    except DataError as error:
        st.session_state[_REFUSED] = Refused(origin, error)
    bar.empty()


def _wait_for_a_decision(path: Path) -> None:
    keep_pending(path)
    _empty_the_field()
    st.rerun()


def _store_prompts(path: Path, origin: str) -> None:
    """Keep a file of prompts without responses, to evaluate on."""
    try:
        stored = _keeper().keep_prompts(path, path.name)
    except DataError as error:
        st.session_state[_REFUSED] = Refused(origin, error)
        return
    _show_stored(stored, f"Stored {count_of(stored.num_rows, 'prompt')} to evaluate on.")


def _decide(pending: PendingUpload) -> None:
    """Say what is wrong with a file; let a user say what is what, or use the rest of it."""
    try:
        outcome = read_pending(pending)
    except DataError as error:
        told = reading_form(pending, error)
        if not isinstance(told, LoadedPairs):
            with st.container(horizontal=True):
                if told is not None:
                    _prompts_button(pending, told)
                _discard_button(pending)
            return
        outcome = told
    if outcome.unusable.num_rows:
        _warn_of_bad_rows(pending, outcome)
    with st.container(horizontal=True):
        _use_button(pending, outcome)
        _discard_button(pending)
    if outcome.unusable.num_rows:
        rows = outcome.unusable
        findings_view(
            Findings(pending.name, report_of(outcome), lambda: b"".join(json_lines(rows)))
        )


def _warn_of_bad_rows(pending: PendingUpload, outcome: LoadedPairs) -> None:
    num_usable, num_rows = outcome.report.num_usable, outcome.report.num_rows
    st.warning(
        f"**{num_rows - num_usable:,} of {count_of(num_rows, 'row')}** of "
        f"{plain_markdown(pending.name)} can't be used. Nothing was stored: fix the file and "
        "upload it again, or continue without them.",
        icon=":material/warning:",
    )


def _use_button(pending: PendingUpload, outcome: LoadedPairs) -> None:
    num_usable = outcome.report.num_usable
    label = f"Use the {count_of(num_usable, 'usable row')}"
    if st.button(
        label,
        type="primary",
        icon=":material/check:",
        key=f"use {pending.id}",
        **allowed(unless=not num_usable),
    ):
        _store(outcome, pending.name)


def _prompts_button(pending: PendingUpload, reading: Reading) -> None:
    """Keep a file whose prompts alone are named."""
    label = "Use the prompts to evaluate on"
    if st.button(label, type="primary", icon=":material/check:", key=f"prompts {pending.id}"):
        try:
            stored = _keeper().keep_prompts(pending.path, pending.name, reading)
        except DataError as error:
            show_error(error)
            return
        discard_by_name(pending.name)
        _show_stored(stored, f"Stored {count_of(stored.num_rows, 'prompt')} to evaluate on.")


def _discard_button(pending: PendingUpload) -> None:
    st.button(
        "Discard the file",
        icon=":material/delete:",
        key=f"discard {pending.id}",
        on_click=discard_pending,
        args=(pending,),
        **allowed(),
    )


def _store(loaded: LoadedPairs, name: str) -> None:
    stored = _keeper().keep_loaded(loaded, name)
    discard_by_name(name)
    _show_stored(stored, f"Stored {stored.num_usable:,} of {stored.num_rows:,} rows.")


def _show_stored(data_set: DataSet, message: str) -> None:
    """Continue with a data set; the page runs again."""
    st.session_state["added"] = message
    _empty_the_field()
    select_data_set(data_set.id)
    st.rerun()


def _empty_the_field() -> None:
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1


def _uploader_key() -> str:
    """A new one after each upload, so that the field is empty again."""
    return f"upload {st.session_state.get('uploads', 0)}"


def _keeper() -> Keeper:
    return Keeper(studio().database, studio().artifacts)
