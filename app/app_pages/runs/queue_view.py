"""The queue: what waits, its place, why, and what can be done about it."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import streamlit as st

from app.state.run_queue import run_queue
from app.state.session import studio
from app.state.settings import app_settings
from app.text.formatting import count_of, plain_markdown
from app.text.run_text import action, reason_for_waiting
from app.ui.allowed import allowed
from app.ui.errors import failures_shown, guarded
from grice_core.store import queue_lines
from grice_core.store.actors import Role
from grice_core.store.queue_lines import QueueLine
from grice_core.store.tables import Run
from grice_core.store.targets import run_target

_SHOWN = 30


@st.fragment(run_every=app_settings().refresh_s)
@guarded
def queue_view() -> None:
    """All that waits in its order, to be moved or cancelled; the queue to be paused."""
    database = studio().database
    lines, paused = queue_lines.lines(database), queue_lines.paused(database)
    _pause(is_paused=bool(paused), is_empty=not lines)
    if lines and not run_queue().is_available():
        st.warning(
            "The queue server can't be reached. Submitted runs are safe: the next worker that "
            "starts takes them."
        )
    num_workers = Counter(worker.device for worker in run_queue().workers())
    places = Counter(line.first.device for line in lines if line.position is not None)
    for line in lines[:_SHOWN]:
        _line(line, reason_for_waiting(line, num_workers, paused), places[line.first.device])
    if len(lines) > _SHOWN:
        st.caption(f"… and {len(lines) - _SHOWN:,} more")


def _pause(*, is_paused: bool, is_empty: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if is_paused:
            st.markdown("**Paused:** running jobs continue, no new ones start until you resume.")
            can = allowed(needs=Role.ADMIN)
            if st.button("Resume queue", icon=":material/play_arrow:", key="unpause queue", **can):
                _do(run_queue().unpause)
        else:
            st.markdown("The queue is empty." if is_empty else "Order:")
            explained = "Running jobs continue; no new ones start until you resume."
            can = allowed(needs=Role.ADMIN, explained=explained)
            if st.button("Pause", icon=":material/pause:", key="pause queue", **can):
                _do(run_queue().pause)


def _line(line: QueueLine, reason: str, num_places: int) -> None:
    first, place = line.first, line.position
    more = f" and {count_of(len(line.runs) - 1, 'run')} after it" if len(line.runs) > 1 else ""
    title = f"{first.pipeline_id} · {line.name}" if line.name else f"run {first.id}"
    with st.container(
        key=f"queue line {first.id}", horizontal=True, vertical_alignment="center", gap="small"
    ):
        st.markdown(
            f"**{place or '–'}** · {plain_markdown(title)} · {plain_markdown(action(first.kind, first.stage) + more)}  \n"
            f":gray[{plain_markdown(reason)}]",
            width="stretch",
        )
        if place:
            _move("Earlier", ":material/arrow_upward:", first, place - 1, place == 1)
            _move("Later", ":material/arrow_downward:", first, place + 1, place == num_places)
        if not line.stands_still and not line.is_under_way:
            key, icon = f"queue cancel {first.id}", ":material/close:"
            can = allowed(target=run_target(first), explained="It can be resumed.")
            if st.button("Cancel", icon=icon, key=key, type="tertiary", **can):
                _do(lambda: run_queue().stop(first.id))


def _move(title: str, icon: str, run: Run, place: int, is_last: bool) -> None:
    can = allowed(target=run_target(run), unless=is_last)
    if st.button(title, icon=icon, key=f"queue {title} {run.id}", type="tertiary", **can):
        _do(partial(queue_lines.move, studio().database, run.id, place))


def _do(act: Callable[[], object]) -> None:
    with failures_shown():
        act()
        st.rerun()
