"""Lengths of time in words, and points in time from words."""

import re
import time
from datetime import UTC, datetime

from grice_core.errors import InputError

_SPAN = re.compile(r"(\d{1,6})([dhm])")
_UNITS_S = {"d": 86_400, "h": 3_600, "m": 60}


def duration(seconds: float) -> str:
    """`40 s`, `12 min 5 s`, `3 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def rough_duration(seconds: float) -> str:
    """Of something estimated, without seconds that no one can know: `40 s`, `12 min`, `3 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def span_s(text: str) -> float:
    """Seconds of a length of time as people write it: `30d`, `12h`, `30m`.

    Raises:
        InputError: it is none.
    """
    if span := _SPAN.fullmatch(text.strip()):
        return float(int(span[1]) * _UNITS_S[span[2]])
    raise InputError(f"{text!r} is no length of time: write 30d, 12h or 30m")


def instant(text: str, now: float | None = None) -> float:
    """Seconds since 1970 of a date or time, in UTC unless it says otherwise, or of so long ago: `7d`, `12h`.

    Raises:
        InputError: it is neither.
    """
    if _SPAN.fullmatch(text.strip()):
        return (time.time() if now is None else now) - span_s(text)
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InputError(
            f"{text!r} is no time: write 2026-11-30, 2026-11-30T14:00, 7d, 12h or 30m"
        ) from None
