"""What `app.serve` serves: the pages, what orchestrators ask, and the guards around all of it."""

import streamlit as st
from starlette.middleware import Middleware

from app.server.health import health_routes
from app.server.members_upload import MembersUpload
from app.server.own_pages_only import OwnPagesOnly, sign_in_hosts
from app.server.privacy import ROOT, configures_sign_in
from app.state.settings import app_settings
from grice_core.settings import settings
from worker.client import RunQueue

_WANTED = app_settings()
_SECRETS = (ROOT / _WANTED.secrets).absolute()
_GUARDS = [Middleware(OwnPagesOnly, hosts=(*_WANTED.hosts, *sign_in_hosts(_SECRETS)))]
if configures_sign_in(_SECRETS):
    _GUARDS.append(Middleware(MembersUpload, settings=_WANTED))

# By this name and in this form Streamlit looks for it.
app = st.App(
    ROOT / "app" / "home.py",
    routes=health_routes(RunQueue.impatient(settings())),
    middleware=_GUARDS,
)
