"""What programs say, as sentences and as JSON lines without texts and passwords."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from grice_core import structured_log
from grice_core.structured_log import OURS, as_json_line, log_to, say


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger(OURS)
    before = root.handlers, ours.handlers, ours.propagate, ours.level
    monkeypatch.setattr(structured_log, "_formatter", None)
    yield
    root.handlers, ours.handlers, ours.propagate, ours.level = before
    logging.setLoggerClass(logging.Logger)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_people_read_sentences_with_all_that_is_known() -> None:
    stream = io.StringIO()
    log_to(stream, "text", "worker", worker="host:1")
    say("run 3: failed", "run ended", detail=": row 7 has no score", run=3)
    assert stream.getvalue() == "run 3: failed: row 7 has no score\n"


def test_an_object_says_who_and_which_run_but_no_text_of_a_user() -> None:
    stream = io.StringIO()
    log_to(stream, "json", "worker", worker="host:1")
    say(
        "run 3: failed", "run ended", detail=": row 7 is “Hello”", run=3, pipeline=None, seconds=1.5
    )
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "program": "worker",
        "worker": "host:1",
        "event": "run ended",
        "message": "run 3: failed",
        "run": 3,
        "seconds": 1.5,
    }


def test_passwords_in_addresses_are_left_out() -> None:
    stream = io.StringIO()
    log_to(stream, "json", "worker")
    say("postgresql://grice:hush-hush@db/grice and redis://:hush@valkey can't be reached\nnow")
    (line,) = lines(stream)
    assert line["message"] == "postgresql://…@db/grice and redis://…@valkey can't be reached\nnow"


def test_of_other_libraries_and_exceptions_only_what_holds_no_text() -> None:
    stream = io.StringIO()
    log_to(stream, "json", "app")
    try:
        int("an answer of the model")
    except ValueError:
        logging.getLogger("app.ui.errors").exception("page failed on %s", "a prompt")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("message", "app.ui.errors", "error")
    assert line["where"].startswith("test_structured_log.py:")
    assert line["exception"] == "ValueError"
    assert line["frames"][0].startswith("test_structured_log.py:")
    assert "answer" not in stream.getvalue()
    assert "prompt" not in stream.getvalue()


def test_handlers_that_a_library_makes_for_itself_write_objects_too() -> None:
    log_to(io.StringIO(), "json", "app")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("a library of test_structured_log")
    logger.addHandler(handler)  # as Streamlit does with each of its loggers
    logger.propagate = False
    logger.warning("a prompt")
    assert lines(stream)[0]["program"] == "app"


def test_a_job_says_nothing_beside_its_own_log_unless_json_is_wanted() -> None:
    stream = io.StringIO()
    log_to(stream, "text", "job", text=False)
    say("run 3: the job begins", "job begins", run=3)
    assert stream.getvalue() == ""


def test_lines_of_other_programs_become_objects() -> None:
    assert as_json_line("worker", '{"event": "x"}') == '{"event": "x"}'
    line = json.loads(as_json_line("queue", "Ready to accept connections"))
    assert (line["program"], line["event"]) == ("queue", "output")
    assert line["message"] == "Ready to accept connections"
