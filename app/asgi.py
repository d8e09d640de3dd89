"""What `app.serve` serves: the pages, what orchestrators ask, and the guards around all of it."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request

from app.server.health import health_routes
from app.server.members_upload import MembersUpload, role_of_sender
from app.server.model_downloads import download_routes
from app.server.own_pages_only import OwnPagesOnly, sign_in_hosts
from app.server.privacy import ROOT, configures_sign_in
from app.state.settings import app_settings
from grice_core.settings import settings
from worker.client import RunQueue

_WANTED = app_settings()
_SECRETS = (ROOT / _WANTED.secrets).absolute()
_GUARDS = [Middleware(OwnPagesOnly, hosts=(*_WANTED.hosts, *sign_in_hosts(_SECRETS)))]
_HAS_SIGN_IN = configures_sign_in(_SECRETS)
if _HAS_SIGN_IN:
    _GUARDS.append(Middleware(MembersUpload, settings=_WANTED))

_QUEUE = RunQueue.impatient(settings())


def _may_read(request: Request) -> bool:
    return not _HAS_SIGN_IN or role_of_sender(request.scope, _WANTED) is not None


# By this name and in this form Streamlit looks for it.
app = st.App(
    ROOT / "app" / "home.py",
    routes=[*health_routes(_QUEUE), *download_routes(_QUEUE, _may_read)],
    middleware=_GUARDS,
)
