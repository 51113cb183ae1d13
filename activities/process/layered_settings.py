"""Settings of a process: command line > environment > its YAML file > default, read once.

Shared by the manager and the worker host, which may not import each other.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from activities.process.settings_errors import PREFIX, problems_in_words, unreadable

#: Not a setting: under this name a file's content reaches the sources, since pydantic offers no
#: other way.
_CONTENT = "content of the file"


class SettingsError(Exception):
    """The settings cannot be used; the message says which and why."""


class LayeredSettings(BaseSettings):
    """A process's settings. They have a `data_dir`, which may hold the settings file."""

    model_config = SettingsConfigDict(frozen=True, env_prefix=PREFIX, extra="forbid")

    FILE: ClassVar[str]
    """Name of the YAML file. It is read from the data directory, or else from the current one."""

    @classmethod
    def default_data_dir(cls) -> Path:
        raise NotImplementedError

    @classmethod
    def read(
        cls, command_line: Mapping[str, Any], content: Mapping[str, Any] | None = None
    ) -> Self:
        """Return the settings in force.

        Args:
            command_line: options by setting; None for an option that was not given.
            content: replaces the file's content, to check whether it would be valid.

        Raises:
            SettingsError: a setting is wrong, or the settings file is not readable.
        """
        given: dict[str, Any] = {k: v for k, v in command_line.items() if v is not None}
        options, path = tuple(given), None
        if content is None:
            path = cls.file(given)
            content = cls.file_content(path)
        try:
            given[_CONTENT] = cls.from_content(content)
            return cls(**given)
        except ValidationError as error:
            words = problems_in_words(error.errors(), tuple(cls.model_fields), options, path)
            raise SettingsError(words) from error
        except ValueError as error:
            raise SettingsError(str(error)) from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = init_settings()
        content = given.pop(_CONTENT, {})
        return (
            InitSettingsSource(settings_cls, init_kwargs=given),
            env_settings,
            InitSettingsSource(settings_cls, init_kwargs=content),
        )

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings in a file's content: all of it, unless a subclass says otherwise."""
        return dict(content)

    @classmethod
    def file(cls, command_line: Mapping[str, Any]) -> Path | None:
        """Return the settings file that is used; None if there is none."""
        given = command_line.get("data_dir") or os.environ.get(f"{PREFIX}DATA_DIR")
        data_dir = Path(given) if given else cls.default_data_dir()
        candidates = (data_dir.expanduser() / cls.FILE, Path.cwd() / cls.FILE)
        return next((path for path in candidates if path.is_file()), None)

    @classmethod
    def file_content(cls, path: Path | None) -> dict[str, Any]:
        """Return the file's content.

        Raises:
            SettingsError: the file is not readable, or does not hold settings.
        """
        if path is None:
            return {}
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SettingsError(unreadable(path, error)) from error
        if content is None:
            return {}
        if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
            raise SettingsError(f"{path} must hold settings as `name: value` lines.")
        return content
