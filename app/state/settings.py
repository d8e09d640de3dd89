"""Where the dashboard is served, from the environment, read once."""

from functools import cache
from ipaddress import ip_address
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from grice_core.secret_files import FileSettings


class AppSettings(FileSettings):
    """Every variable starts with `GRICE_`."""

    model_config = SettingsConfigDict(env_prefix="GRICE_", frozen=True)

    address: str = "127.0.0.1"
    """Address that the dashboard listens on; any but a loopback address needs sign-in."""
    port: int = 8501
    """Port of the dashboard."""
    anybody_may_use_it: bool = False
    """Serve beyond loopback without sign-in: anyone who can reach the port has full access."""
    hosts: tuple[str, ...] = ()
    """Names that the dashboard is reached by, as JSON: `["studio.example.org"]`, `["*.example.org"]`. IP
    addresses, `localhost`, this machine's name and that of sign-in's `redirect_uri` need not be named."""
    secrets: Path = Path(".streamlit/secrets.toml")
    """File whose section `[auth]` configures sign-in, as Streamlit's `st.login` wants it."""
    admins: tuple[str, ...] = ()
    """Who may do everything, also with what others started: e-mail addresses as JSON, `*@example.org` for
    all of a domain, `group:NAME` for a group of the identity provider's claim `groups`."""
    members: tuple[str, ...] = ()
    """Who may upload, launch and ask, and stop or remove what they started. Where neither admins nor viewers
    are named, who may sign in and do everything; default then: anyone whom the identity provider signs in."""
    viewers: tuple[str, ...] = ()
    """Who may see everything and change nothing."""

    metrics_port: int | None = None
    """Port for Prometheus (`/metrics`: runs, queue, workers, disk; no texts, no names of pipelines); none by default."""
    metrics_address: str = "127.0.0.1"
    """Address that `GRICE_METRICS_PORT` is opened on; anyone who reaches it may read, without sign-in."""

    refresh_s: float = Field(default=2.0, gt=0)
    """Seconds between a page's updates of running work; raise it where many watch over a slow line."""

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def is_private(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ip_address(self.address).is_loopback
        except ValueError:
            return self.address == "localhost"


@cache
def app_settings() -> AppSettings:
    """The settings of this process."""
    return AppSettings()
