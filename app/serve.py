"""`python -m app.serve`: the dashboard alone; the queue and the workers may be anywhere."""

import os
import sys

from app.app_pages import all_pages
from app.server.memory import share_freed_memory
from app.server.own_dashboard import register_dashboard
from app.server.privacy import ROOT, check_is_private
from app.state.settings import app_settings
from grice_core.errors import InputError
from grice_core.files import keep_private
from grice_core.loading import begin_loading
from grice_core.parent import die_with_parent
from grice_core.settings import settings
from grice_core.structured_log import log_to
from worker.client import RunQueue


def main() -> None:
    """Serve until a signal ends it."""
    # At once: it keeps nothing that could be lost, and Streamlit waits for open pages when it is asked to end.
    has_front_door = die_with_parent()
    share_freed_memory()
    log_to(sys.stderr, settings().log, "app")
    wanted = app_settings()
    keep_private(settings().home)
    register_dashboard(settings().home.absolute(), has_front_door=has_front_door)
    try:
        check_is_private(wanted)
        if wanted.metrics_port is not None:
            RunQueue.impatient(settings()).serve_metrics(
                wanted.metrics_address, wanted.metrics_port
            )
    except InputError as error:
        sys.exit(str(error))
    secrets = (ROOT / wanted.secrets).absolute()
    # Streamlit looks for its configuration where it is started.
    os.environ["GRICE_HOME"] = str(settings().home.absolute())
    os.chdir(ROOT)
    begin_loading()
    from streamlit.web.cli import main as streamlit

    all_pages()  # what they import takes seconds, for which the first page would have to wait
    # By its command, which also reads Streamlit's environment variables: `st.App.run` does not (1.67).
    sys.argv = [
        "streamlit",
        "run",
        str(ROOT / "app" / "asgi.py"),
        f"--server.address={wanted.address}",
        f"--server.port={wanted.port}",
        "--server.headless=true",
        f"--secrets.files={secrets}",
    ]
    streamlit(prog_name="streamlit")


if __name__ == "__main__":
    main()
