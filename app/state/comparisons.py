"""Comparisons that take too long for a page: made once, beside it, and kept for all sessions."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

import streamlit as st

_MOST_KEPT = 16


class Comparisons:
    """One at a time; the last ones are kept."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="comparison")
        self._futures: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock = Lock()

    def result(self, key: Hashable, make: Callable[[], Any]) -> Future[Any]:
        """What becomes of a comparison; asked for again, the same unless it failed."""
        with self._lock:
            found = self._futures.pop(key, None)
            if found is None or (found.done() and found.exception() is not None):
                found = self._executor.submit(make)
            self._futures[key] = found
            while len(self._futures) > _MOST_KEPT:
                self._futures.popitem(last=False)[1].cancel()
            return found


@st.cache_resource(show_spinner=False)
def comparisons() -> Comparisons:
    """Those of this process."""
    return Comparisons()
