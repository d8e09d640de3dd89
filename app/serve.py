"""`python -m app.serve`: the dashboard alone; the queue and the workers may be anywhere."""

import os
import sys

from app.app_pages import all_pages
from app.server.health import health_routes
from app.server.members_upload import MembersUpload
from app.server.memory import share_freed_memory
from app.server.own_dashboard import register_dashboard
from app.server.own_pages_only import OwnPagesOnly, sign_in_hosts
from app.server.privacy import ROOT, check_is_private, configures_sign_in
from app.state.settings import app_settings
from grice_core.errors import InputError
from grice_core.files import keep_private
from grice_core.loading import begin_loading
from grice_core.parent import die_with_parent
from grice_core.settings import settings
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database, Retries
from grice_core.store.engine import connect
from worker.client import RunQueue


def main() -> None:
    """Serve until a signal ends it."""
    # At once: it keeps nothing that could be lost, and Streamlit waits for open pages when it is asked to end.
    has_front_door = die_with_parent()
    share_freed_memory()
    wanted = app_settings()
    keep_private(settings().home)
    register_dashboard(settings().home.absolute(), has_front_door=has_front_door)
    # For those who ask again soon anyway: nothing is worth waiting for.
    impatient = Database(connect(settings().database_url), Retries(give_up_after_s=0.5))
    queue = RunQueue(impatient, ArtifactStore(settings().artifacts_url))
    try:
        check_is_private(wanted)
        if wanted.metrics_port is not None:
            queue.serve_metrics(wanted.metrics_address, wanted.metrics_port)
    except InputError as error:
        sys.exit(str(error))
    secrets = (ROOT / wanted.secrets).absolute()
    # Streamlit looks for its configuration where it is started.
    os.environ["GRICE_HOME"] = str(settings().home.absolute())
    os.chdir(ROOT)
    begin_loading()
    import streamlit as st
    from starlette.middleware import Middleware

    all_pages()  # what they import takes seconds, for which the first page would have to wait
    hosts = (*wanted.hosts, *sign_in_hosts(secrets))
    guards = [Middleware(OwnPagesOnly, hosts=hosts)]
    if configures_sign_in(secrets):
        guards.append(Middleware(MembersUpload, settings=wanted))
    studio = st.App(ROOT / "app" / "home.py", routes=health_routes(queue), middleware=guards)
    studio.run(
        config={
            "server.address": wanted.address,
            "server.port": wanted.port,
            "server.headless": True,
            "secrets.files": [str(secrets)],
        }
    )


if __name__ == "__main__":
    main()
