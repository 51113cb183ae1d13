"""What the manager is told: command line > environment > tablao-manager.yaml > default.

Read by `read_settings` in the composition root, and again when the file is changed through the API
(configuration.py); nothing else looks at the environment. The keys are Flamenco's where it has
them. What each means to a user is docs/settings.md; a test holds the two together.
"""

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from activities.process.layered_settings import LayeredSettings, SettingsError
from manager_api.settings.about import AT_ONCE, WITH_JOB, About, Secret, Topic
from manager_api.settings.listening import address, host_and_port
from manager_api.settings.platforms import managers_platform
from manager_api.settings.sections import Duration, Mqtt, Shaman, Variable
from workflows.domain.variables import DEFAULT_VARIABLES, Variables
from workflows.domain.variables import Variable as DomainVariable

SETTINGS_FILE = "tablao-manager.yaml"
_DATABASES = frozenset({"sqlite+aiosqlite", "postgresql+asyncpg"})
#: What Flamenco 3.9 calls the format of its own settings file.
FILE_VERSION = 3

#: Numbers that are larger are too large for what they end up in, at the next start at the latest.
Seconds = Annotated[float, Field(ge=0, le=1e9)]
Positive = Annotated[int, Field(ge=1, le=2**62)]


def _default_data_dir() -> Path:
    return platformdirs.user_data_path("tablao", appauthor=False)


class ManagerSettings(LayeredSettings):
    """All that depends on another setting comes after it: validators see what is above them."""

    FILE = SETTINGS_FILE

    model_config = SettingsConfigDict(env_nested_delimiter="__")

    data_dir: Annotated[
        Path,
        About(
            Topic.FARM, is_in_form=False, default_in_words="the user's data directory for `tablao`"
        ),
    ] = Field(default_factory=_default_data_dir)
    manager_name: Annotated[str, About(Topic.FARM, AT_ONCE, is_flamencos=True)] = "Tablao"
    flamenco_version: Annotated[str, About(Topic.FARM, AT_ONCE)] = "3.8.5"
    """The add-on refuses to submit to a version other than its own; this is the newest stable."""
    variables: Annotated[
        dict[str, Variable],
        About(
            Topic.FARM,
            AT_ONCE,
            is_flamencos=True,
            is_in_form=False,
            default_in_words="`blender`, `blenderArgs`",
        ),
    ] = Field(default_factory=dict)
    """Beside the defaults, which a variable of the same name replaces."""
    shared_storage_path: Annotated[
        Path,
        About(
            Topic.FARM,
            AT_ONCE,
            is_flamencos=True,
            default_in_words="`storage` in the data directory",
        ),
    ] = Field(default=Path("storage"), validate_default=True)
    local_manager_storage_path: Annotated[
        Path,
        About(
            Topic.FARM,
            is_flamencos=True,
            default_in_words="`job-files` in the data directory",
        ),
    ] = Field(default=Path("job-files"), validate_default=True)
    """Task logs and last-rendered images."""
    task_log_max_bytes: Annotated[int, Field(ge=65_536), About(Topic.FARM, AT_ONCE)] = 50 * 1024**2
    """Of one try. A thousand frames of Blender are some 10 MB."""
    task_log_tries: Annotated[Positive, About(Topic.FARM, AT_ONCE)] = 10
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], About(Topic.FARM, AT_ONCE)
    ] = "info"
    """Of the manager's own log."""
    job_types_path: Annotated[
        Path,
        About(Topic.FARM, AT_ONCE, default_in_words="`scripts` in the data directory"),
    ] = Field(default=Path("scripts"), validate_default=True)
    job_type_cpu_s: Annotated[float, Field(gt=0, le=86_400), About(Topic.FARM, AT_ONCE)] = 10.0
    """100,000 tasks take some 4 s."""
    job_type_wall_s: Annotated[float, Field(gt=0, le=86_400), About(Topic.FARM, AT_ONCE)] = 30.0
    job_type_memory_mb: Annotated[int, Field(ge=64, le=2**20), About(Topic.FARM, AT_ONCE)] = 512
    """100,000 tasks take some 250 MB."""
    database: Annotated[
        str,
        About(
            Topic.FARM,
            is_flamencos=True,
            secret=Secret.IN_DATABASE,
            default_in_words="`tablao.sqlite` in the data directory",
        ),
    ] = Field(default="tablao.sqlite", repr=False)
    """An SQLite file, or an SQLAlchemy URL, which may hold a password."""
    database_check_period: Annotated[Duration, About(Topic.FARM, AT_ONCE, is_flamencos=True)] = (
        timedelta(minutes=10)
    )
    shaman: Shaman = Shaman()

    listen: Annotated[str, About(Topic.REACH, is_flamencos=True)] = "127.0.0.1:8080"
    autodiscoverable: Annotated[bool, About(Topic.REACH, is_flamencos=True)] = True
    insecure: Annotated[bool, About(Topic.REACH, is_in_form=False)] = False
    max_json_bytes: Annotated[int, Field(ge=65_536), About(Topic.REACH, AT_ONCE)] = 32 * 1024**2
    """A job of 100,000 tasks is submitted in a few hundred bytes; its compiler makes the tasks."""
    max_image_bytes: Annotated[Positive, About(Topic.REACH, AT_ONCE)] = 26_214_400
    """Flamenco's limit."""

    temporal_address: Annotated[str, About(Topic.TEMPORAL)] = ""
    """Empty: the manager runs its own Temporal."""
    temporal_namespace: Annotated[str, About(Topic.TEMPORAL)] = "default"
    temporal_ui_url: Annotated[str, About(Topic.TEMPORAL)] = ""
    """With an own `temporal_address`, where its Web UI is."""
    retention_days: Annotated[int, Field(ge=1, le=36_500), About(Topic.TEMPORAL)] = 30

    task_timeout: Annotated[Duration, About(Topic.FAILURES, AT_ONCE, is_flamencos=True)] = (
        timedelta(minutes=10)
    )
    worker_timeout: Annotated[Duration, About(Topic.FAILURES, AT_ONCE, is_flamencos=True)] = (
        timedelta(minutes=1)
    )
    task_fail_after_softfail_count: Annotated[
        Positive, About(Topic.FAILURES, WITH_JOB, is_flamencos=True)
    ] = 3
    blocklist_threshold: Annotated[Positive, About(Topic.FAILURES, WITH_JOB, is_flamencos=True)] = 3
    retry_pause_s: Annotated[Seconds, About(Topic.FAILURES, WITH_JOB)] = 5.0
    schedule_to_start_s: Annotated[Seconds, About(Topic.TIMES, WITH_JOB)] = 30.0
    heartbeat_s: Annotated[Seconds, About(Topic.TIMES, WITH_JOB)] = 90.0
    history_events: Annotated[Positive, About(Topic.TIMES, WITH_JOB)] = 8_000
    max_live: Annotated[int, Field(ge=1, le=2_000), About(Topic.TIMES, WITH_JOB)] = 500
    """Temporal wedges at 2,000 pending activities of one workflow."""

    beat_s: Annotated[Seconds, About(Topic.TIMES)] = 5.0
    lost_after_s: Annotated[Seconds, About(Topic.TIMES)] = 15.0
    """Also how long a manager that just started listens before it misses anybody (rule 10)."""
    sign_on_wait_s: Annotated[Seconds, About(Topic.TIMES, AT_ONCE)] = 30.0
    """A stock worker answered 5xx registers anew, or drops its report; so we rather wait."""
    http_poll_s: Annotated[Seconds, About(Topic.TIMES, AT_ONCE)] = 10.0
    keeper_tick_s: Annotated[Seconds, About(Topic.TIMES)] = 5.0
    """The keeper is woken by events; this is the safety net."""
    keeper_heartbeat_s: Annotated[Seconds, About(Topic.TIMES)] = 10.0
    resend_s: Annotated[Seconds, About(Topic.TIMES)] = 5.0

    events_kept_s: Annotated[Seconds, About(Topic.EVENTS)] = 3_600.0
    """A busy farm of 100 workers makes some 50 events a second."""
    events_queue: Annotated[Positive, About(Topic.EVENTS)] = 500
    """Flamenco's limit before a slow client is dropped."""
    mqtt: Mqtt = Mqtt()

    @field_validator("data_dir", mode="after")
    @classmethod
    def _data_dir_in_full(cls, path: Path) -> Path:
        return _of_user(path).absolute()

    @field_validator(
        "shared_storage_path", "local_manager_storage_path", "job_types_path", mode="after"
    )
    @classmethod
    def _path_in_full(cls, path: Path, info: ValidationInfo) -> Path:
        if path == Path() and info.field_name is not None:
            # Flamenco's way to say "none yet".
            path = cls.model_fields[info.field_name].default
        # Absent when it is itself refused, which is told first.
        expanded = expanded_path(str(path), info.data.get("variables", {}))
        data_dir: Path = info.data.get("data_dir", Path())
        return data_dir / _of_user(Path(expanded))

    @field_validator("database", mode="after")
    @classmethod
    def _database_is_an_address(cls, database: str) -> str:
        if "://" not in database:
            _of_user(Path(database))
            return database
        # Here, because all commands that read settings would wait for it.
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            known = make_url(database).drivername in _DATABASES
        except (ArgumentError, ValueError):
            known = False
        if not known:
            # Without the address: there may be a password in it.
            raise ValueError(
                "it must be an SQLite file, sqlite+aiosqlite:///FILE, or "
                "postgresql+asyncpg://USER:PASSWORD@HOST/NAME"
            )
        return database

    @field_validator("listen", mode="after")
    @classmethod
    def _listen_is_an_address(cls, listen: str) -> str:
        return address(*host_and_port(listen))

    @property
    def host(self) -> str:
        return host_and_port(self.listen)[0]

    @property
    def port(self) -> int:
        return host_and_port(self.listen)[1]

    @property
    def jobs_path(self) -> Path:
        """Where jobs' files are: the variable `jobs`, and what clients are told."""
        return (
            self.shared_storage_path / "jobs" if self.shaman.enabled else self.shared_storage_path
        )

    @property
    def database_url(self) -> str:
        if "://" in self.database:
            return self.database
        file = self.database or "tablao.sqlite"
        return f"sqlite+aiosqlite:///{self.data_dir / Path(file).expanduser()}"

    @property
    def farm_variables(self) -> Variables:
        return Variables.of_farm(_with_defaults(self.variables), str(self.jobs_path))

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """
        Raises:
            SettingsError: the file is of another version than Flamenco 3.9's.
        """
        meta = content.get("_meta", {"version": FILE_VERSION})
        if meta != {"version": FILE_VERSION}:
            raise SettingsError(f"Setting _meta: it must be `version: {FILE_VERSION}`.")
        return {name: value for name, value in content.items() if name != "_meta"}

    @classmethod
    def default_data_dir(cls) -> Path:
        return _default_data_dir()


def read_settings(
    *,
    content: Mapping[str, Any] | None = None,
    host: str | None = None,
    port: int | None = None,
    **command_line: Any,
) -> ManagerSettings:
    """The settings in force; what is None on the command line was not given.

    Args:
        content: Instead of what is in the file.
        host: Instead of that in `listen`.
        port: Likewise.

    Raises:
        SettingsError: one is wrong, or the settings file is not readable.
    """
    settings = ManagerSettings.read(command_line, content)
    if host is not None or port is not None:
        listen = address(
            settings.host if host is None else host, settings.port if port is None else port
        )
        settings = ManagerSettings.read({**command_line, "listen": listen}, content)
    check_listen(settings.host, settings.insecure)
    return settings


def expanded_path(path: str, variables: dict[str, Variable]) -> str:
    """A path of the manager's own, with variables for the manager's platform.

    Raises:
        ValueError: with a sentence; it names a variable that there is not, or that has no value.
    """
    defined = Variables(tuple(_with_defaults(variables)))
    return defined.in_own_path(path, managers_platform())


def _of_user(path: Path) -> Path:
    """With the home directory for `~`.

    Raises:
        ValueError: with a sentence; there is no such user.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"the home directory of {path.parts[0]} is not known") from error


def _with_defaults(variables: dict[str, Variable]) -> list[DomainVariable]:
    configured = [variable.named(name) for name, variable in variables.items()]
    return [*(v for v in DEFAULT_VARIABLES if v.name not in variables), *configured]


def check_listen(host: str, insecure: bool) -> None:
    """Refuses to serve a network without a login, unless that is what somebody asked for.

    Raises:
        SettingsError: `host` can be reached from other machines.
    """
    if insecure or _is_loopback(host):
        return
    raise SettingsError(
        f"Listening on {host or 'every address'} would let everybody on that network submit and "
        "cancel jobs, because there is no login yet. Listen on 127.0.0.1, or add --insecure if "
        "you trust the network."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # Whatever a name resolves to today, it may be something else tomorrow.
        return False
