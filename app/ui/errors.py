"""The one place where errors are shown: what happened, and what to do."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec
from uuid import uuid4

import streamlit as st
from pydantic import ValidationError

from app.text.formatting import plain_markdown, sentence
from app.url import params
from grice_core.errors import GriceError, InputError

P = ParamSpec("P")

_log = logging.getLogger(__name__)


@contextmanager
def failures_shown() -> Iterator[None]:
    """Show an error in place of whatever it kept from being shown."""
    try:
        yield
    except GriceError as error:
        show_error(error)
    except ValidationError as error:  # an input that has no rule of its own yet
        _log.exception("invalid input")
        show_error(InputError(_first_fault(error)))
    except Exception:
        reference = uuid4().hex[:8]
        _log.exception("page failed, reference %s", reference)
        st.error(
            "**This page failed because of a bug.** Reload it; if that doesn't help, see the "
            f"dashboard's log under reference {reference}.",
            icon=":material/error:",
        )


def _first_fault(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or error.title
    return f"{where} can't be used: {first['msg'].lower()}"


def show_error(error: GriceError) -> None:
    """Show an error whose message is meant for the user."""
    st.error(plain_markdown(sentence(str(error))), icon=":material/error:")


def guarded(part: Callable[P, None]) -> Callable[P, None]:
    """Show the errors of a page, or of a part that is rerun by itself, and tell what it put into the link."""

    @wraps(part)
    def show(*args: P.args, **kwargs: P.kwargs) -> None:
        with failures_shown():
            params.tell()
            part(*args, **kwargs)
            params.tell()

    return show
