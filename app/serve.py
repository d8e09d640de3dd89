"""`python -m app.serve`: the dashboard alone; the queue and the workers may be anywhere."""

import os
import pkgutil
import signal
import sys
import tomllib
from importlib import import_module
from pathlib import Path

from app import app_pages
from app.memory import share_freed_memory
from app.settings import AppSettings, app_settings
from grice_core.errors import InputError
from grice_core.parent import die_with_parent
from grice_core.settings import settings

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Serve until told to end."""
    die_with_parent(signal.SIGTERM)
    share_freed_memory()
    wanted = app_settings()
    try:
        check_is_private(wanted)
    except InputError as error:
        sys.exit(str(error))
    secrets = (ROOT / wanted.secrets).absolute()
    # Streamlit looks for its configuration where it is started.
    os.environ["GRICE_HOME"] = str(settings().home.absolute())
    os.chdir(ROOT)
    from streamlit.web.cli import main as streamlit

    _import_pages()
    sys.argv = [
        "streamlit",
        "run",
        str(ROOT / "app" / "home.py"),
        f"--server.address={wanted.address}",
        f"--server.port={wanted.port}",
        "--server.headless=true",
        f"--secrets.files={secrets}",
    ]
    streamlit(prog_name="streamlit")


def _import_pages() -> None:
    """What they import takes seconds, for which the first page would have to wait."""
    for page in pkgutil.iter_modules(app_pages.__path__, f"{app_pages.__name__}."):
        import_module(page.name)


def check_is_private(wanted: AppSettings) -> None:
    """Refuse to serve everybody by mistake.

    Raises:
        InputError: others could reach it, without sign-in.
    """
    if wanted.is_private() or wanted.anybody_may_use_it or _configures_sign_in(wanted.secrets):
        return
    raise InputError(
        f"GRICE_ADDRESS is {wanted.address}, which others can reach: configure sign-in in "
        f"{wanted.secrets}, section [auth], or say GRICE_ANYBODY_MAY_USE_IT=true"
    )


def _configures_sign_in(secrets: Path) -> bool:
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


if __name__ == "__main__":
    main()
