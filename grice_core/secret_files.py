"""Settings from files: `GRICE_DATABASE_PASSWORD_FILE=/run/secrets/…` in place of `GRICE_DATABASE_PASSWORD=…`.

An environment is shown by `docker inspect` and inherited by every child; a file is neither.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from grice_core.errors import InputError


class SecretFiles(PydanticBaseSettingsSource):
    """For each variable, the content of the file that the variable of the same name with `_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """A setting's text, its key, and whether the text is JSON; None: no file is named.

        Raises:
            InputError: the file can't be read, or the variable is set as well.
        """
        alias = field.validation_alias
        key = alias if isinstance(alias, str) else field_name
        variable = key if alias else f"{self.config.get('env_prefix', '')}{field_name}".upper()
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            return None, key, False
        if os.environ.get(variable):
            raise InputError(f"{variable} and {variable}_FILE are both set: unset one of them")
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise InputError(f"{variable}_FILE is {path}, which can't be read: {reason}") from None
        return text, key, self.field_is_complex(field)

    def __call__(self) -> dict[str, Any]:
        """All settings that stand in files."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            text, key, is_json = self.get_field_value(field, name)
            if text is not None:
                found[key] = self.prepare_field_value(name, field, text, is_json)
        return found


class FileSettings(BaseSettings):
    """Settings of which each may stand in a file."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as pydantic calls it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then the environment, then files."""
        return (init_settings, env_settings, SecretFiles(settings_cls))


def with_password(url: str, password: SecretStr | None) -> str:
    """An address with this password, whatever characters it has; as it is, if it has one already."""
    parts = urlsplit(url)
    if password is None or not parts.netloc or parts.password:
        return url
    user, _, host = parts.netloc.rpartition("@")
    secret = quote(password.get_secret_value(), safe="")
    return parts._replace(netloc=f"{user.rstrip(':')}:{secret}@{host}").geturl()
