"""The dashboard is private unless a user configured sign-in, or said otherwise."""

import tomllib
from pathlib import Path

from app.state.settings import AppSettings
from grice_core.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def check_is_private(wanted: AppSettings) -> None:
    """Refuse to serve everybody by mistake.

    Raises:
        InputError: others could reach it, without sign-in.
    """
    if wanted.is_private() or wanted.anybody_may_use_it or configures_sign_in(wanted.secrets):
        return
    raise InputError(
        f"GRICE_ADDRESS is {wanted.address}, which others can reach: configure sign-in in "
        f"{wanted.secrets}, section [auth], or say GRICE_ANYBODY_MAY_USE_IT=true"
    )


def configures_sign_in(secrets: Path) -> bool:
    """Whether there is a section for sign-in; a file about something else is none.

    Raises:
        InputError: the file can't be read.
    """
    try:
        return bool(tomllib.loads((ROOT / secrets).read_text(encoding="utf-8")).get("auth"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise InputError(f"{secrets}, which configures sign-in, can't be read: {error}") from error
