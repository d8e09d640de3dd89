"""What programs say while they run: sentences for people, or with `GRICE_LOG=json` an object per line.

    {"time": "2026-11-30T09:00:00.000Z", "level": "info", "program": "worker", "event": "run ended",
     "worker": "host:12:ab", "run": 3, "pipeline": 1, "kind": "train", "state": "failed", "seconds": 4.2}

An object holds numbers, kinds and our own sentences, no texts of users: no reason of a failure, which may
quote a row, and of other libraries' messages only who said one, where, and the type of an exception.
"""

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO

LogFormat = Literal["text", "json"]

OURS = "grice"
"""Name of the logger whose messages are our own sentences."""

_ABOUT = "grice_about"
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@")
_log = logging.getLogger(OURS)


def say(
    message: str, event: str = "note", *, detail: str = "", **about: str | float | None
) -> None:
    """Say something about what a program does.

    Args:
        message: a sentence that holds no text of a user.
        event: one of a few words that logs can be searched by.
        detail: what may hold one, such as why a run failed; people read it, JSON leaves it out.
        about: numbers and kinds: run, pipeline, state …
    """
    known = {key: value for key, value in about.items() if value is not None}
    _log.info(
        "%s%s", message, detail, extra={_ABOUT: {"event": event, "message": message, **known}}
    )


class Say(Protocol):
    """What `say` is, for those who are given it."""

    def __call__(
        self, message: str, event: str = ..., *, detail: str = ..., **about: str | float | None
    ) -> None: ...


class JsonLines(logging.Formatter):
    """One object per line."""

    def __init__(self, program: str, **always: str | int) -> None:
        super().__init__()
        self._always = {"program": program, **always}

    def format(self, record: logging.LogRecord) -> str:
        """The object as a line, without credentials of addresses."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            **self._always,
            **getattr(record, _ABOUT, _of_a_library(record)),
        }
        if record.exc_info and record.exc_info[0] is not None:
            said |= _exception(record.exc_info[0], record.exc_info[2])
        return _CREDENTIALS.sub("…@", json.dumps(said, ensure_ascii=False, default=str))


def _of_a_library(record: logging.LogRecord) -> dict[str, Any]:
    where = f"{Path(record.pathname).name}:{record.lineno}"
    return {"event": "message", "logger": record.name, "where": where}


def _exception(kind: type[BaseException], found: Any) -> dict[str, Any]:
    """Its type and where it came from; its message may hold anything."""
    frames = traceback.extract_tb(found)
    return {
        "exception": kind.__qualname__,
        "frames": [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames],
    }


class _JsonLogger(logging.Logger):
    """Other libraries' handlers for the console, Streamlit's for one, write our format too."""

    def addHandler(self, hdlr: logging.Handler) -> None:  # noqa: N802 - the library's name
        if type(hdlr) is logging.StreamHandler and _formatter is not None:
            hdlr.setFormatter(_formatter)
        super().addHandler(hdlr)


_formatter: JsonLines | None = None


def log_to(
    stream: TextIO, wanted: LogFormat, program: str, *, text: bool = True, **always: str | int
) -> None:
    """Send what this process says to a stream from now on.

    Args:
        text: whether sentences for people go there as well, where no JSON is wanted.
        always: what stands in every object: worker …
    """
    global _formatter  # handlers that libraries make later need it, too
    handler = logging.StreamHandler(stream)
    _log.handlers, _log.propagate = [handler], False
    _log.setLevel(logging.INFO)
    if wanted == "json":
        _formatter = JsonLines(program, **always)
        handler.setFormatter(_formatter)
        logging.getLogger().handlers = [handler]
        logging.setLoggerClass(_JsonLogger)
    elif not text:
        _log.handlers = [logging.NullHandler()]


def as_json_line(program: str, line: str) -> str:
    """A line that a program of ours wrote, as it is if it is an object, else as one."""
    if line.startswith("{"):
        return line
    record = logging.LogRecord(OURS, logging.INFO, __file__, 0, line, None, None)
    setattr(record, _ABOUT, {"event": "output", "message": line})
    return JsonLines(program).format(record)
