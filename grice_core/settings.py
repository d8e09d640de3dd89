"""The environment, read once into frozen settings."""

from functools import cache
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What the environment says; every variable starts with `GRICE_`."""

    model_config = SettingsConfigDict(env_prefix="GRICE_", frozen=True)

    home: Path = Path("var")
    """Folder for everything that Grice Studio keeps: caches, data sets, adapters, logs."""


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
