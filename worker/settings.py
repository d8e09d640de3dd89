"""What the environment says about queue and workers, read once into frozen settings."""

from functools import cache

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from grice_core.secret_files import FileSettings, with_password
from grice_core.store.claims import LEASE_S
from grice_core.store.states import NoticeEvent


class WorkerSettings(FileSettings):
    """Every variable but `REDIS_URL` starts with `GRICE_`."""

    model_config = SettingsConfigDict(env_prefix="GRICE_", frozen=True)

    redis_password: SecretStr | None = Field(default=None, validation_alias="REDIS_PASSWORD")
    """Password for `REDIS_URL`, where that has none; as a file: `REDIS_PASSWORD_FILE`."""
    redis_url: str | None = Field(default=None, validation_alias="REDIS_URL", repr=False)
    """Redis or Valkey server of the queue; by default the embedded one's socket."""
    lease_s: float = Field(default=LEASE_S, gt=0)
    """Seconds without a sign of life after which a run's worker counts as vanished."""
    heartbeat_s: float = Field(default=2.0, gt=0)
    """Seconds between two signs of life; also how soon a request to stop is heard."""
    reconcile_s: float = Field(default=30.0, gt=0)
    """Seconds between two looks for runs that no one works on."""
    stall_s: float = Field(default=300.0, gt=0)
    """Seconds without any processor time after which a job is said to stand still; a tenth of them if
    it was stopped by a signal."""
    grace_s: float = Field(default=6.0, gt=0)
    """Seconds that a job has for its checkpoint when its worker shuts down."""
    notify: tuple[SecretStr, ...] = ()
    """Who is notified when a pipeline is done, fails or stalls: [apprise](https://github.com/caronc/apprise)
    addresses as JSON, `["mailto://…", "slack://…"]`, kept nowhere and in no message; by default no one."""
    notify_events: tuple[NoticeEvent, ...] = ()
    """Of what, as JSON: `succeeded`, `failed`, `stalled`; default: all three."""
    dashboard_url: str | None = None
    """Address that people reach the dashboard by, for links in notifications."""
    playground_idle_s: float = Field(default=300.0, gt=0)
    """Seconds that the playground's models stay in memory after the last question."""

    @field_validator("redis_url")
    @classmethod
    def _with_password(cls, url: str | None, known: ValidationInfo) -> str | None:
        return url and with_password(url, known.data.get("redis_password"))


@cache
def worker_settings() -> WorkerSettings:
    """The settings of this process."""
    return WorkerSettings()
