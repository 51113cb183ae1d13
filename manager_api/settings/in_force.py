"""The settings in force and their file, and how both change while the manager runs.

The command line and the environment override the file, whatever is written there.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from activities.process.layered_settings import SettingsError
from activities.process.settings_errors import PREFIX
from manager_api.contract.errors import BadRequest, FarmError
from manager_api.database import trail
from manager_api.settings.about import settings_of
from manager_api.settings.file import write_settings_file
from manager_api.settings.model import SETTINGS_FILE, ManagerSettings, read_settings
from manager_api.settings.secrets import check_secrets_stay, difference
from manager_api.settings.storage_folders import make_storage_folders

#: Settings and sections whose changes take effect without a restart.
LIVE = frozenset(
    setting.name.partition(".")[0] for setting in settings_of(ManagerSettings) if setting.is_live
)
_BY_COMMAND_LINE = {"host": "listen", "port": "listen"}

#: Settings that no client changes, wherever it is.
_DECIDED_HERE = ("insecure", "tls", "trusted_proxies", "public_url", "allowed_hosts")

OnChange = Callable[[ManagerSettings], Awaitable[None]]
Edit = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class CannotWrite(FarmError):
    """The change is valid, but the settings file cannot be written."""


class Configuration:
    """The configuration of one process.

    Args:
        settings: the settings that the process starts with.
        given: the settings given at the command line, named as for `read_settings`.
    """

    def __init__(self, settings: ManagerSettings, given: Mapping[str, Any] | None = None) -> None:
        self.settings = settings
        """The settings in force now; a change replaces the object."""
        self.variables = settings.farm_variables
        self._given = {name: value for name, value in (given or {}).items() if value is not None}
        self._started = settings
        self._wanted = settings
        found = ManagerSettings.file(self._given | {"data_dir": settings.data_dir})
        self.file: Path = found or settings.data_dir / SETTINGS_FILE
        self._content = ManagerSettings.file_content(found)
        self._listeners: list[OnChange] = []
        self._changing = asyncio.Lock()

    @classmethod
    def read(cls, **given: Any) -> "Configuration":
        """Read the settings; `given` are those of the command line.

        Raises:
            SettingsError: a setting is wrong, or the settings file is not readable.
        """
        return cls(read_settings(**given), given)

    def on_change(self, listener: OnChange) -> None:
        """Call `listener` with the settings in force after each change."""
        self._listeners.append(listener)

    @property
    def content(self) -> Mapping[str, Any]:
        """The content of the file, with secrets."""
        return self._content

    @property
    def overridden(self) -> dict[str, str]:
        """By setting, what overrides the file: the command line or the environment."""
        names = {name.lower() for name in os.environ if name.upper().startswith(PREFIX)}
        by_environment = {
            name: "environment"
            for name in ManagerSettings.model_fields
            if any(_is_of(variable.removeprefix(PREFIX.lower()), name) for variable in names)
        }
        by_command_line = {_BY_COMMAND_LINE.get(n, n): "command line" for n in self._given}
        return by_environment | by_command_line

    @property
    def pending_restart(self) -> list[str]:
        """The settings that changed since the start, and take effect at the next start."""
        return [
            name
            for name in ManagerSettings.model_fields
            if name not in LIVE and getattr(self._wanted, name) != getattr(self._started, name)
        ]

    @property
    def is_storage_unset(self) -> bool:
        """Whether the place of the shared storage is still the default."""
        name = "shared_storage_path"
        return not self._content.get(name) and name not in self.overridden

    async def change(self, edited: Edit, *, secrets: Mapping[str, Any] | None = None) -> None:
        """Change the file, and let changes take effect that need no restart.

        Args:
            edited: returns the file's new content for the present one. It may refuse with a
                ValueError.
            secrets: the secrets that the client gives, by name (`secrets_in`).

        Raises:
            BadRequest: the new content is not valid; nothing has changed.
            CannotWrite: the file cannot be written; nothing has changed.
        """
        async with self._changing:
            try:
                content = edited(self._content)
                self._check_kept_from_outside(content)
                wanted = self._read(content)
                check_secrets_stay(self._wanted, wanted, secrets or {})
                await asyncio.to_thread(make_storage_folders, wanted)
            except (SettingsError, ValueError) as refusal:
                raise BadRequest(str(refusal)) from refusal
            try:
                await asyncio.to_thread(write_settings_file, self.file, content)
            except OSError as error:
                raise CannotWrite(f"{self.file} cannot be written: {error.strerror}") from error
            trail.note(*difference(self._wanted, wanted))
            await self._take(content, wanted)

    async def reload(self) -> None:
        """Read the file again, because it may have been edited.

        Raises:
            CannotRead: the file cannot be used; the settings in force stay.
        """
        async with self._changing:
            try:
                content = await asyncio.to_thread(
                    ManagerSettings.file_content, self.file if self.file.is_file() else None
                )
                if content != self._content:
                    wanted = self._read(content)
                    await asyncio.to_thread(make_storage_folders, wanted)
                    await self._take(content, wanted)
            except SettingsError as refusal:
                raise CannotRead(str(refusal)) from refusal

    def _check_kept_from_outside(self, content: Mapping[str, Any]) -> None:
        for name in _DECIDED_HERE:
            if content.get(name) != self._content.get(name):
                raise ValueError(
                    f"Setting {name}: who may reach the manager is decided on its machine, "
                    f"in {self.file} or at the command line, not through it."
                )

    def _read(self, content: Mapping[str, Any]) -> ManagerSettings:
        # The data directory of this process stays, wherever it was set.
        given = self._given | {"data_dir": self._started.data_dir}
        return read_settings(content=content, **given)

    async def _take(self, content: Mapping[str, Any], wanted: ManagerSettings) -> None:
        self._content = dict(content)
        self._wanted = wanted
        stays = {
            name: getattr(self._started, name)
            for name in ManagerSettings.model_fields
            if name not in LIVE
        }
        self.settings = wanted.model_copy(update=stays)
        self.variables = self.settings.farm_variables
        for listener in self._listeners:
            await listener(self.settings)


class CannotRead(FarmError):
    """The settings file is not valid or not readable; nothing has changed."""


def _is_of(variable: str, name: str) -> bool:
    """Return whether an environment variable sets a setting, or a part of it."""
    return variable == name or variable.startswith(f"{name}__")
