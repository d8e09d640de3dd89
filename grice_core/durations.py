"""Lengths of time in words, and points in time from words."""

import re
import time
from datetime import UTC, datetime

from grice_core.errors import InputError

_AGO = re.compile(r"(\d{1,6})([dhm])")
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


def instant(text: str, now: float | None = None) -> float:
    """Seconds since 1970 of a date or time, in UTC unless it says otherwise, or of so long ago: `7d`, `12h`.

    Raises:
        InputError: it is neither.
    """
    if ago := _AGO.fullmatch(text.strip()):
        return (time.time() if now is None else now) - int(ago[1]) * _UNITS_S[ago[2]]
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InputError(
            f"{text!r} is no time: write 2026-11-30, 2026-11-30T14:00, 7d, 12h or 30m"
        ) from None
