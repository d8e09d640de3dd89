"""The environment, read once into frozen settings."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from grice_core.secret_files import FileSettings, with_password
from grice_core.structured_log import LogFormat


def _database_under(known: dict[str, Any]) -> str:
    return f"sqlite:///{known['home'].absolute() / 'grice.db'}"


def _artifacts_under(known: dict[str, Any]) -> str:
    return f"file://{known['home'].absolute() / 'artifacts'}"


class Settings(FileSettings):
    """What the environment says; every variable starts with `GRICE_`."""

    model_config = SettingsConfigDict(env_prefix="GRICE_", env_ignore_empty=True, frozen=True)

    home: Path = Path("var")
    """Folder for everything that Grice Studio keeps: caches, data sets, adapters, logs."""
    database_password: SecretStr | None = None
    """Password for `GRICE_DATABASE_URL`, where that has none; as a file: `GRICE_DATABASE_PASSWORD_FILE`."""
    database_url: str = Field(default_factory=_database_under, repr=False)
    """Where the database is (`sqlite:///…` or `postgresql://…`); default: a file in `GRICE_HOME`."""
    artifacts_url: str = Field(default_factory=_artifacts_under, repr=False)
    """Where artifacts are kept: any fsspec URL (`s3://bucket/folder`); default: a folder
    in `GRICE_HOME`."""
    kept_mib: int = Field(default=512, ge=0)
    """Most mebibytes of answers, scores and trained stages that are kept for later runs on the same models and
    texts, beside the artifacts; what was not used for longest goes first. 0: nothing is kept."""
    import_dir: Path | None = None
    """Folder on the server from which files may be imported, for those too large to upload; none by default."""
    data_addresses: tuple[str, ...] = ()
    """Beginnings of the addresses that the page Data may read from, as JSON: `["hf://datasets/", "s3://bucket/"]`,
    with the server's own rights; none by default."""
    judge_url: str | None = None
    """Address of a language model's server (`http://host:port/v1`), offered for new judges; the only one that
    `GRICE_JUDGE_API_KEY` is sent to. Beyond loopback, pages make judges for this address only; none by default."""
    judge_api_key: SecretStr | None = None
    """Key for `GRICE_JUDGE_URL`; it is kept nowhere and stands in no message."""
    log: LogFormat = "text"
    """`json`: dashboard, workers and jobs write an object per line, with run, pipeline and worker, without texts."""
    gguf_converter: Path | None = None
    """llama.cpp's `convert_hf_to_gguf.py`, where it is not on PATH; `grice export --to gguf` runs it."""
    kernels: str = "fast"
    """`plain` switches all fast paths off and uses stock operations of torch, transformers and PEFT, for when a
    new version of one breaks a fast path. Child processes inherit it. `grice_core/kernels/choice.py` reads it."""

    @field_validator("database_url")
    @classmethod
    def _with_password(cls, url: str, known: ValidationInfo) -> str:
        return with_password(url, known.data.get("database_password"))


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
