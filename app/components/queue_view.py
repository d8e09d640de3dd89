"""The queue: each waiting run, its place, and why it waits."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import streamlit as st

from app.failures import failures_shown, guarded
from app.run_queue import run_queue
from app.run_words import reason_for_waiting, what
from app.session import studio
from app.wording import plain_markdown
from grice_core.store import runs
from grice_core.store.runs import QueueEntry

_SHOWN = 30


@st.fragment(run_every=3)
@guarded
def queue_view() -> None:
    """All waiting runs in their order, to be moved or cancelled."""
    queue = run_queue()
    entries = runs.queue(studio().database)
    if not entries:
        st.caption("Nothing waits.")
        return
    if not queue.is_available():
        st.warning(
            "The queue's server can't be reached. What was submitted is safe, and is taken up by "
            "the next worker that starts."
        )
    num_workers = Counter(worker.device for worker in queue.workers())
    for entry in entries[:_SHOWN]:
        _entry(entry, reason_for_waiting(entry, num_workers))
    if len(entries) > _SHOWN:
        st.caption(f"… and {len(entries) - _SHOWN:,} more")


def _entry(entry: QueueEntry, reason: str) -> None:
    run, place = entry.run, entry.position
    left, right = st.columns([5, 1], vertical_alignment="center")
    pipeline = f"pipeline {run.pipeline_id} · " if run.pipeline_id else ""
    left.markdown(
        f"**{place or '–'}** · run {run.id} · {pipeline}{plain_markdown(what(run))} "
        f":gray[— {plain_markdown(reason)}]"
    )
    with right.container(horizontal=True, horizontal_alignment="right"):
        moves = (
            (":material/arrow_upward:", "Earlier", (place or 1) - 1),
            (":material/arrow_downward:", "Later", (place or 1) + 1),
        )
        for icon, title, target in moves if place else ():
            key = f"queue {title} {run.id}"
            if st.button(icon, help=title, key=key, disabled=target < 1, type="tertiary"):
                _do(partial(runs.move_to, studio().database, run.id, target))
        if st.button(
            ":material/close:", help="Cancel", key=f"queue cancel {run.id}", type="tertiary"
        ):
            _do(lambda: run_queue().stop(run.id))


def _do(act: Callable[[], object]) -> None:
    with failures_shown():
        act()
        st.rerun()
