"""`python -m app.serve`: the dashboard alone; the queue and the workers may be anywhere."""

import os
import signal
import sys
from pathlib import Path

from app.settings import AppSettings, app_settings
from grice_core.errors import InputError
from grice_core.parent import die_with_parent
from grice_core.settings import settings

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Serve until told to end."""
    die_with_parent(signal.SIGTERM)
    wanted = app_settings()
    try:
        check_is_private(wanted)
    except InputError as error:
        sys.exit(str(error))
    # Streamlit looks for its configuration where it is started.
    os.environ["GRICE_HOME"] = str(settings().home.absolute())
    os.chdir(ROOT)
    from streamlit.web.cli import main as streamlit

    sys.argv = [
        "streamlit",
        "run",
        str(ROOT / "app" / "home.py"),
        f"--server.address={wanted.address}",
        f"--server.port={wanted.port}",
        "--server.headless=true",
    ]
    streamlit(prog_name="streamlit")


def check_is_private(wanted: AppSettings) -> None:
    """Refuse to serve everybody by mistake.

    Raises:
        InputError: others could reach it, without sign-in.
    """
    signs_in = (ROOT / ".streamlit" / "secrets.toml").exists()
    if wanted.is_private() or signs_in or wanted.anybody_may_use_it:
        return
    raise InputError(
        f"GRICE_ADDRESS is {wanted.address}, which others can reach: configure sign-in in "
        ".streamlit/secrets.toml, or say GRICE_ANYBODY_MAY_USE_IT=true"
    )


if __name__ == "__main__":
    main()
