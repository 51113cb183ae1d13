"""Settings of a process: command line > environment > its YAML file > default, read once.

Shared by the manager and the worker host, which may not import each other.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "TABLAO_"


class SettingsError(Exception):
    """The settings cannot be used; the message says which and why."""


class LayeredSettings(BaseSettings):
    """A process's settings; it has a `data_dir`, which may hold the file."""

    model_config = SettingsConfigDict(frozen=True, env_prefix=PREFIX, extra="forbid")

    FILE: ClassVar[str]
    """Name of the YAML file, in the data directory, else in the current one; never both."""

    @classmethod
    def default_data_dir(cls) -> Path:
        raise NotImplementedError

    @classmethod
    def read(cls, command_line: Mapping[str, Any]) -> Self:
        """The settings in force; what is None on the command line was not given.

        Raises:
            SettingsError: one is wrong, or the settings file is not readable.
        """
        try:
            return cls(**{name: value for name, value in command_line.items() if value is not None})
        except ValueError as error:
            raise SettingsError(_first_problem(error)) from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = InitSettingsSource(settings_cls, init_kwargs=cls._file_settings(init_settings()))
        return init_settings, env_settings, file

    @classmethod
    def _file_settings(cls, command_line: Mapping[str, Any]) -> dict[str, Any]:
        path = cls._file(command_line)
        if path is None:
            return {}
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise SettingsError(f"{path} cannot be read: {error}") from error
        if content is None:
            return {}
        if not isinstance(content, dict):
            raise SettingsError(f"{path} must hold settings as `name: value` lines.")
        return content

    @classmethod
    def _file(cls, command_line: Mapping[str, Any]) -> Path | None:
        given = command_line.get("data_dir") or os.environ.get(f"{PREFIX}DATA_DIR")
        data_dir = Path(given) if given else cls.default_data_dir()
        candidates = (data_dir.expanduser() / cls.FILE, Path.cwd() / cls.FILE)
        return next((path for path in candidates if path.is_file()), None)


def _first_problem(error: ValueError) -> str:
    problems = getattr(error, "errors", None)
    if problems is None:
        return str(error)
    first = problems()[0]
    return f"Setting {'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
