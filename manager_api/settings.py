"""What the manager is told: command line > environment > tablao-manager.yaml > default.

Read once, by `read_settings` in the composition root; nothing else looks at the environment. What
each setting means to a user is docs/settings.md; a test holds the two together.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, field_validator

from activities.layered_settings import LayeredSettings, SettingsError
from workflows.domain.variables import ALL_PLATFORMS, DEFAULT_VARIABLES, Audience, Variables
from workflows.domain.variables import Variable as DomainVariable
from workflows.domain.variables import VariableValue as DomainValue

SETTINGS_FILE = "tablao-manager.yaml"

Seconds = Annotated[float, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class VariableValue(BaseModel):
    """What a variable stands for, to whom and where. Flamenco's shape."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str
    platform: str = ""
    platforms: tuple[str, ...] = ()
    audience: Literal["all", "workers", "users"] = "all"


class Variable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    is_twoway: bool = False
    values: tuple[VariableValue, ...] = ()

    def named(self, name: str) -> DomainVariable:
        return DomainVariable(name, tuple(map(_in_domain, self.values)), self.is_twoway)


def _in_domain(value: VariableValue) -> DomainValue:
    platforms = value.platforms or (value.platform or ALL_PLATFORMS,)
    return DomainValue(value.value, platforms, Audience(value.audience))


def _default_data_dir() -> Path:
    return platformdirs.user_data_path("tablao", appauthor=False)


class ManagerSettings(LayeredSettings):
    FILE = SETTINGS_FILE

    data_dir: Path = Field(default_factory=_default_data_dir)
    storage: Path = Path()
    """Empty: `storage` in the data directory."""
    database: str = ""
    """SQLAlchemy URL. Empty: SQLite in the data directory."""
    manager_name: str = "Tablao"
    flamenco_version: str = "3.8.5"
    """The add-on refuses to submit to a version other than its own; this is the newest stable."""
    variables: dict[str, Variable] = Field(default_factory=dict)
    """Beside the defaults, which a variable of the same name replaces."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    insecure: bool = False
    max_json_bytes: Positive = 32 * 1024**2
    """A job of 100,000 tasks is submitted in a few hundred bytes; its compiler makes the tasks."""
    max_image_bytes: Positive = 26_214_400
    """Flamenco's limit."""

    temporal_address: str = ""
    """Empty: the manager runs its own Temporal."""
    temporal_namespace: str = "default"
    temporal_ui_url: str = ""
    """With an own `temporal_address`, where its Web UI is."""
    retention_days: Positive = 30

    task_fail_after_softfail_count: Positive = 3
    blocklist_threshold: Positive = 3
    retry_pause_s: Seconds = 5.0
    schedule_to_start_s: Seconds = 30.0
    heartbeat_s: Seconds = 90.0
    history_events: Positive = 8_000
    max_live: Annotated[int, Field(ge=1, le=2_000)] = 500
    """Temporal wedges at 2,000 pending activities of one workflow."""

    beat_s: Seconds = 5.0
    lost_after_s: Seconds = 15.0
    """Also how long a manager that just started listens before it misses anybody (rule 10)."""
    sign_on_wait_s: Seconds = 30.0
    """A stock worker that is answered 5xx at its sign-on registers anew; so we rather wait."""
    keeper_tick_s: Seconds = 5.0
    """The keeper is woken by events; this is the safety net."""
    keeper_heartbeat_s: Seconds = 10.0
    resend_s: Seconds = 5.0

    events_kept_s: Seconds = 3_600.0
    """A busy farm of 100 workers makes some 50 events a second."""
    events_queue: Positive = 500
    """Flamenco's limit before a slow client is dropped."""

    @field_validator("storage", mode="after")
    @classmethod
    def _storage_in_full(cls, path: Path) -> Path:
        return path if path == Path() else path.expanduser().absolute()

    @field_validator("data_dir", mode="after")
    @classmethod
    def _data_dir_in_full(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @property
    def storage_path(self) -> Path:
        """The shared storage: the variable `jobs`, and what clients are told."""
        return self.data_dir / "storage" if self.storage == Path() else self.storage

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{self.data_dir / 'tablao.sqlite'}"

    @property
    def job_files(self) -> Path:
        """Task logs and last-rendered images."""
        return self.data_dir / "job-files"

    @property
    def farm_variables(self) -> Variables:
        configured = [variable.named(name) for name, variable in self.variables.items()]
        defaults = [v for v in DEFAULT_VARIABLES if v.name not in self.variables]
        return Variables.of_farm([*defaults, *configured], str(self.storage_path))

    @classmethod
    def default_data_dir(cls) -> Path:
        return _default_data_dir()


def read_settings(**command_line: Any) -> ManagerSettings:
    """The settings in force; what is None on the command line was not given.

    Raises:
        SettingsError: one is wrong, or the settings file is not readable.
    """
    settings = ManagerSettings.read(command_line)
    check_listen(settings.host, settings.insecure)
    return settings


def check_listen(host: str, insecure: bool) -> None:
    """Refuses to serve a network without a login, unless that is what somebody asked for.

    Raises:
        SettingsError: `host` can be reached from other machines.
    """
    if insecure or _is_loopback(host):
        return
    raise SettingsError(
        f"Listening on {host} would let everybody on that network submit and cancel jobs, because "
        "there is no login yet. Listen on 127.0.0.1, or add --insecure if you trust the network."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # Whatever a name resolves to today, it may be something else tomorrow.
        return False
