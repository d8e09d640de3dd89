"""`python -m app.serve`: the dashboard alone; the queue and the workers may be anywhere."""

import os
import signal
import sys

from app.app_pages import all_pages
from app.server.memory import share_freed_memory
from app.server.privacy import ROOT, check_is_private
from app.state.settings import app_settings
from grice_core.errors import InputError
from grice_core.loading import begin_loading
from grice_core.parent import die_with_parent
from grice_core.settings import settings


def main() -> None:
    """Serve until a signal ends it."""
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
    begin_loading()
    from streamlit.web.cli import main as streamlit

    all_pages()  # what they import takes seconds, for which the first page would have to wait
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


if __name__ == "__main__":
    main()
