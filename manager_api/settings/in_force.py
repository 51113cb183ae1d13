"""The settings in force, the file that they come from, and how both change while we run.

What the command line or the environment says stays above the file, whatever is written there.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from activities.process.layered_settings import PREFIX, SettingsError
from manager_api.contract.errors import BadRequest, FarmError, Forbidden
from manager_api.settings.about import settings_of
from manager_api.settings.file import write_settings_file
from manager_api.settings.model import SETTINGS_FILE, ManagerSettings, read_settings
from manager_api.settings.storage_folders import make_storage_folders

#: Settings and sections of which a change takes effect without a restart.
LIVE = frozenset(
    setting.name.partition(".")[0] for setting in settings_of(ManagerSettings) if setting.is_live
)
_BY_COMMAND_LINE = {"host": "listen", "port": "listen"}

#: Python there is code that the manager runs; somebody could have put it anywhere.
_SCRIPTS_STAY = (
    "Setting job_types_path: where job types come from is changed only from the manager's own "
    "machine, because they may run programs on it."
)

OnChange = Callable[[ManagerSettings], Awaitable[None]]
Edit = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class CannotWrite(FarmError):
    """The change was right, and is not kept."""


class Configuration:
    """One process's configuration.

    Args:
        settings: As this process starts with.
        given: What the command line said of them, in the words of `read_settings`.
    """

    def __init__(self, settings: ManagerSettings, given: Mapping[str, Any] | None = None) -> None:
        self.settings = settings
        """In force now; another object after a change."""
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
        """
        Raises:
            SettingsError: a setting is wrong, or the settings file is not readable.
        """
        return cls(read_settings(**given), given)

    def on_change(self, listener: OnChange) -> None:
        """Call `listener` with the settings in force after each change of them."""
        self._listeners.append(listener)

    @property
    def content(self) -> Mapping[str, Any]:
        """What the file says, secrets included."""
        return self._content

    @property
    def overridden(self) -> dict[str, str]:
        """By setting, what stays above the file: the command line or the environment."""
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
        """Settings that have been changed since the start, and count from the next one on."""
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

    async def change(self, edited: Edit, *, is_here: bool = True) -> None:
        """Change the file, and let the change take effect as far as that can be.

        Args:
            edited: What the file is to hold, made from what it holds; a ValueError refuses.
            is_here: Whether somebody on the manager's own machine asks.

        Raises:
            Forbidden: not from elsewhere; nothing has changed.
            BadRequest: something in it is wrong; nothing has changed.
            CannotWrite: the file cannot be written; nothing has changed.
        """
        async with self._changing:
            try:
                content = edited(self._content)
                self._check_kept_from_outside(content)
                wanted = self._read(content)
                if not is_here and wanted.job_types_path != self._wanted.job_types_path:
                    raise Forbidden(_SCRIPTS_STAY)
                await asyncio.to_thread(make_storage_folders, wanted)
            except (SettingsError, ValueError) as refusal:
                raise BadRequest(str(refusal)) from refusal
            try:
                await asyncio.to_thread(write_settings_file, self.file, content)
            except OSError as error:
                raise CannotWrite(f"{self.file} cannot be written: {error.strerror}") from error
            await self._take(content, wanted)

    async def reload(self) -> None:
        """Read the file again, in case that somebody has changed it.

        Raises:
            CannotRead: it cannot be used; the settings in force stay.
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
        if content.get("insecure") != self._content.get("insecure"):
            raise ValueError(
                "Setting insecure: who may reach the manager is decided on its machine, "
                f"in {self.file} or at the command line, not through it."
            )

    def _read(self, content: Mapping[str, Any]) -> ManagerSettings:
        # The directory that we work in stays ours, wherever it was said.
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
    """The file is not what it should be; nothing has changed."""


def _is_of(variable: str, name: str) -> bool:
    """An environment variable gives a setting, or a part of it."""
    return variable == name or variable.startswith(f"{name}__")
