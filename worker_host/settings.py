"""A host's settings: command line > environment > tablao-worker.yaml > default.

They are read once, by `read_settings` in the composition root; no other module reads the
environment. docs/worker-host.md explains each setting to users.
"""

import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from activities.connections.trust import checked_pin
from activities.process.layered_settings import LayeredSettings
from worker_host.control_channel import ChannelTimes
from worker_host.data_directory import SETTINGS_FILE, default_data_dir
from worker_host.run_spec import RunSettings
from workflows.domain.provisioning import MOST_SLOTS

Seconds = Annotated[float, Field(ge=0)]


class HostSettings(LayeredSettings):
    FILE = SETTINGS_FILE

    manager: str = ""
    """The manager's URL; empty means the one that was joined last, else the first one found."""
    manager_pin: str = ""
    """The pin of the manager's certificate or its authority (activities/connections/trust.py)."""
    search_s: Seconds = 600.0
    """How long to search for a manager. Source: Flamenco."""
    join_token: str = Field(default="", repr=False)
    """Shown once, to register; then the manager need not let this worker in by hand."""
    join_token_file: Path | None = None
    """A file with such a token. It is read when the host registers, and may be missing later."""
    data_dir: Path = Field(default_factory=default_data_dir)
    name: str = Field(default_factory=platform.node)
    slots: int = Field(default=1, ge=1, le=MOST_SLOTS)
    spare_slots: int = Field(default=2, ge=1)
    """Slots beyond `slots`, for activities that attach while an older one is still open."""
    task_types: Annotated[tuple[str, ...], NoDecode] = (
        "blender",
        "ffmpeg",
        "file-management",
        "misc",
    )
    blender: str = ""
    """Path of Blender; empty means the one on PATH."""
    ffmpeg: str = ""
    """Path of ffmpeg; empty means the one on PATH, or else the one that is installed with us."""
    provisioned: bool = True
    """Whether the farm's settings for this worker override those of this file."""
    restart_exit_code: int = Field(default=0, ge=0, le=255)
    """With 0, nothing would start the host again, so it cannot be asked to restart."""

    heartbeat_every_s: float = Field(default=5.0, gt=0)
    """Each heartbeat costs the server 4 to 8 ms. Cancellations arrive with heartbeats."""
    unattached_grace_s: Seconds = 60.0
    orphan_after_s: Seconds = 600.0
    stop_grace_s: Seconds = 10.0
    silence_check_s: float = Field(default=5.0, gt=0)
    """How often a run is measured for signs of life."""
    probe_every_s: float = Field(default=10.0, gt=0)
    """How often a worker that is set aside looks whether its machine is mended."""
    min_free_mb: int = Field(default=64, ge=0)
    """A disk with less free space counts as full, after a run has failed."""
    sign_off_s: Seconds = 5.0
    """The time for the last outcomes and the sign-off, when the host ends."""
    temporal_check_s: float = Field(default=5.0, gt=0)
    retry_from_s: float = Field(default=0.2, gt=0)
    retry_to_s: float = Field(default=5.0, gt=0)
    silent_s: float = Field(default=15.0, gt=0)

    @field_validator("task_types", mode="before")
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("manager")
    @classmethod
    def _manager_in_full(cls, url: str) -> str:
        if not url:
            return url
        url = url if "://" in url else f"http://{url}"
        if not url.startswith(("http://", "https://")):
            raise ValueError("the manager's address begins with http:// or https://")
        return url.rstrip("/")

    @field_validator("manager_pin")
    @classmethod
    def _is_a_pin(cls, text: str) -> str:
        return checked_pin(text)

    @field_validator("data_dir")
    @classmethod
    def _data_dir_in_full(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @property
    def has_join_token(self) -> bool:
        return bool(self.join_token) or self.join_token_file is not None

    @property
    def runs_dir(self) -> Path:
        return self.data_dir / "runs"

    @property
    def credentials_file(self) -> Path:
        return self.data_dir / "tablao-worker-credentials.yaml"

    @property
    def channel_times(self) -> ChannelTimes:
        return ChannelTimes(
            retry_from_s=self.retry_from_s,
            retry_to_s=self.retry_to_s,
            ping_every_s=self.silent_s * 2 / 3,
            silent_s=self.silent_s,
        )

    @property
    def run_settings(self) -> RunSettings:
        return RunSettings(
            stop_grace_s=self.stop_grace_s,
            orphan_after_s=self.orphan_after_s,
            unattached_grace_s=self.unattached_grace_s,
            silence_check_s=self.silence_check_s,
            min_free=self.min_free_mb * 1_000_000,
            tools={name: path for name, path in self._tools().items() if path},
        )

    def _tools(self) -> Mapping[str, str]:
        return {
            "blender": self.blender or shutil.which("blender") or "",
            "ffmpeg": self.ffmpeg or shutil.which("ffmpeg") or _own_ffmpeg(),
        }

    @classmethod
    def default_data_dir(cls) -> Path:
        return default_data_dir()


def read_settings(**command_line: Any) -> HostSettings:
    """Return the settings in force.

    Args:
        command_line: options by setting; None for an option that was not given.

    Raises:
        SettingsError: a setting is wrong, or the settings file is not readable.
    """
    return HostSettings.read(command_line)


def _own_ffmpeg() -> str:
    """Return the ffmpeg of imageio-ffmpeg; empty if it has none for this platform."""
    import imageio_ffmpeg  # slow, and only a machine without ffmpeg needs it

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return ""
