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
#: No setting, but the way that a file's content takes into the sources: pydantic knows no other.
_CONTENT = "content of the file"


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
    def read(
        cls, command_line: Mapping[str, Any], content: Mapping[str, Any] | None = None
    ) -> Self:
        """The settings in force; what is None on the command line was not given.

        Args:
            content: Instead of what is in the file, to find out whether it would do.

        Raises:
            SettingsError: one is wrong, or the settings file is not readable.
        """
        given: dict[str, Any] = {k: v for k, v in command_line.items() if v is not None}
        if content is None:
            content = cls.file_content(cls.file(given))
        try:
            given[_CONTENT] = cls.from_content(content)
            return cls(**given)
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
        given = init_settings()
        content = given.pop(_CONTENT, {})
        return (
            InitSettingsSource(settings_cls, init_kwargs=given),
            env_settings,
            InitSettingsSource(settings_cls, init_kwargs=content),
        )

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """The settings among what is in a file: all of it, unless its format says otherwise."""
        return dict(content)

    @classmethod
    def file(cls, command_line: Mapping[str, Any]) -> Path | None:
        """The file that counts; None if there is none."""
        given = command_line.get("data_dir") or os.environ.get(f"{PREFIX}DATA_DIR")
        data_dir = Path(given) if given else cls.default_data_dir()
        candidates = (data_dir.expanduser() / cls.FILE, Path.cwd() / cls.FILE)
        return next((path for path in candidates if path.is_file()), None)

    @classmethod
    def file_content(cls, path: Path | None) -> dict[str, Any]:
        """
        Raises:
            SettingsError: the file is not readable, or holds something else.
        """
        if path is None:
            return {}
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SettingsError(f"{path} cannot be read: {error}") from error
        if content is None:
            return {}
        if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
            raise SettingsError(f"{path} must hold settings as `name: value` lines.")
        return content


def _first_problem(error: ValueError) -> str:
    problems = getattr(error, "errors", None)
    if problems is None:
        return str(error)
    first = problems()[0]
    return f"Setting {'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
