"""The manager's settings: command line > environment > tablao-manager.yaml > default.

They are read by `read_settings` in the composition root, and again when the file has changed
(in_force.py); nothing else reads settings from the environment. The keys are Flamenco's where it
has them. docs/settings.md explains the settings to users; a test compares it with this model.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import platformdirs
from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from activities.process.layered_settings import LayeredSettings, SettingsError
from manager_api.settings.about import AT_ONCE, WITH_JOB, About, Secret, Topic
from manager_api.settings.listening import address, host_and_port
from manager_api.settings.notifications import Notifications, Smtp
from manager_api.settings.paths import expanded_path, of_user, with_defaults
from manager_api.settings.reach import (
    LIST_OF_NAMES,
    check_listen,
    check_tls_files,
    host_name,
    is_loopback,
    network_of,
    public_address,
)
from manager_api.settings.sections import (
    Duration,
    FaultRule,
    Mqtt,
    Oidc,
    Shaman,
    TaskTypeTimes,
    Tls,
    Variable,
)
from workflows.domain.faults import MOST_RULES
from workflows.domain.run_times import FarmTimes, RunLimits, WhenSilent
from workflows.domain.variables import Variables

SETTINGS_FILE = "tablao-manager.yaml"
#: The file in the data directory in which `RestoreWatch` notes the database's number.
DATABASE_MARK = "database-mark"
#: The folder of the data directories of workers that `tablao up` starts.
WORKERS = "workers"
#: The folder of the farm's own authority and of the certificate that it has made.
TLS = "tls"
_DATABASES = frozenset({"sqlite+aiosqlite", "postgresql+asyncpg"})
#: The version of the file format of Flamenco 3.9's settings.
FILE_VERSION = 3


#: Larger numbers would be too large where they are used, which could fail only at the next start.
Seconds = Annotated[float, Field(ge=0, le=1e9)]
Positive = Annotated[int, Field(ge=1, le=2**62)]


def _default_data_dir() -> Path:
    return platformdirs.user_data_path("tablao", appauthor=False)


class ManagerSettings(LayeredSettings):
    """The manager's settings.

    A setting that depends on another one comes after it, because validators see only the settings
    above them.
    """

    FILE = SETTINGS_FILE

    model_config = SettingsConfigDict(env_nested_delimiter="__")

    data_dir: Annotated[
        Path,
        About(
            Topic.FARM, is_in_form=False, default_in_words="the user's data directory for `tablao`"
        ),
    ] = Field(default_factory=_default_data_dir)
    manager_name: Annotated[
        str, Field(max_length=255), About(Topic.FARM, AT_ONCE, is_flamencos=True)
    ] = "Tablao"
    flamenco_version: Annotated[str, About(Topic.FARM, AT_ONCE)] = "3.8.5"
    """Flamenco's add-on refuses other versions than its own. The default is the newest stable."""
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
    """They are added to the default variables, and replace those of the same name."""
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
    """The limit for one attempt. Blender's output for a thousand frames takes some 10 MB."""
    task_log_tries: Annotated[Positive, About(Topic.FARM, AT_ONCE)] = 10
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], About(Topic.FARM, AT_ONCE)
    ] = "info"
    """The level of the manager's own log."""
    job_types_path: Annotated[
        Path,
        About(Topic.FARM, AT_ONCE, default_in_words="`scripts` in the data directory"),
    ] = Field(default=Path("scripts"), validate_default=True)
    job_type_cpu_s: Annotated[float, Field(gt=0, le=86_400), About(Topic.FARM, AT_ONCE)] = 10.0
    """Compiling a job of 100,000 tasks takes some 4 s."""
    job_type_wall_s: Annotated[float, Field(gt=0, le=86_400), About(Topic.FARM, AT_ONCE)] = 30.0
    job_type_memory_mb: Annotated[int, Field(ge=64, le=2**20), About(Topic.FARM, AT_ONCE)] = 512
    """Compiling a job of 100,000 tasks takes some 250 MB."""
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
    history_kept: Annotated[Duration, About(Topic.FARM, AT_ONCE)] = timedelta(days=365)
    """0: for ever."""
    database_check_period: Annotated[Duration, About(Topic.FARM, AT_ONCE, is_flamencos=True)] = (
        timedelta(minutes=10)
    )
    shaman: Shaman = Shaman()

    listen: Annotated[str, About(Topic.REACH, is_flamencos=True)] = "127.0.0.1:8080"
    autodiscoverable: Annotated[bool, About(Topic.REACH, is_flamencos=True)] = True
    insecure: Annotated[bool, About(Topic.REACH, is_in_form=False)] = False
    loopback: Annotated[Literal["auto", "open", "token"], About(Topic.REACH, AT_ONCE)] = "auto"
    """What callers of this machine are that show no credentials; see `lets_this_machine_in`."""
    legacy_networks: Annotated[
        tuple[Annotated[str, AfterValidator(network_of)], ...],
        *LIST_OF_NAMES,
        About(Topic.REACH, AT_ONCE, is_in_form=False, default_in_words="none"),
    ] = ()
    """Callers in them that show no credentials are artists."""
    audit_kept: Annotated[Duration, About(Topic.REACH, AT_ONCE)] = timedelta(days=365)
    """0: for ever."""
    tls: Tls = Tls()
    trusted_proxies: Annotated[
        tuple[Annotated[str, AfterValidator(network_of)], ...],
        *LIST_OF_NAMES,
        About(Topic.REACH, is_in_form=False, default_in_words="none"),
    ] = ()
    """Addresses and networks. Proxies on the manager's own machine are trusted anyway."""
    public_url: Annotated[
        str, AfterValidator(public_address), About(Topic.REACH, is_in_form=False)
    ] = ""
    """Without a slash at its end."""
    allowed_hosts: Annotated[
        tuple[Annotated[str, AfterValidator(host_name)], ...],
        *LIST_OF_NAMES,
        About(Topic.REACH, is_in_form=False, default_in_words="none"),
    ] = ()
    """Further names, besides those that manager_api/web/allowed_hosts.py knows."""
    max_json_bytes: Annotated[int, Field(ge=65_536), About(Topic.REACH, AT_ONCE)] = 2**20
    """A few requests may have more (manager_api/web/app.py)."""
    max_image_bytes: Annotated[Positive, About(Topic.REACH, AT_ONCE)] = 26_214_400
    """Flamenco's limit."""
    max_connections: Annotated[int, Field(ge=0, le=1_000_000), About(Topic.REACH)] = 1_000
    """Of one address. A host has up to eight, and many may come through one proxy."""

    oidc: Oidc = Oidc()

    temporal_address: Annotated[str, About(Topic.TEMPORAL)] = ""
    """Empty: the manager runs its own Temporal."""
    temporal_namespace: Annotated[str, About(Topic.TEMPORAL)] = "default"
    temporal_ui: Annotated[bool, About(Topic.TEMPORAL)] = False
    """Whether the manager serves the Web UI of its own Temporal."""
    temporal_ui_url: Annotated[str, About(Topic.TEMPORAL)] = ""
    """The address of the Web UI of the Temporal at `temporal_address`."""
    temporal_tls_ca: Annotated[str, About(Topic.TEMPORAL)] = ""
    """A file; it and the next two are for the Temporal at `temporal_address`."""
    temporal_tls_cert: Annotated[str, About(Topic.TEMPORAL)] = ""
    temporal_tls_key: Annotated[str, About(Topic.TEMPORAL)] = ""
    temporal_api_key: Annotated[
        str, About(Topic.TEMPORAL, secret=Secret.EVERYTHING, sent_to="temporal_address")
    ] = Field(default="", repr=False)
    retention_days: Annotated[int, Field(ge=1, le=36_500), About(Topic.TEMPORAL)] = 30

    task_timeout: Annotated[Duration, About(Topic.FAILURES, AT_ONCE, is_flamencos=True)] = (
        timedelta(minutes=10)
    )
    worker_timeout: Annotated[Duration, About(Topic.FAILURES, AT_ONCE, is_flamencos=True)] = (
        timedelta(minutes=1)
    )
    silent_after: Annotated[Duration, About(Topic.FAILURES, AT_ONCE)] = timedelta(minutes=30)
    when_silent: Annotated[Literal["show", "stop"], About(Topic.FAILURES, AT_ONCE)] = "show"
    longest_run: Annotated[Duration, About(Topic.FAILURES, AT_ONCE)] = timedelta()
    times_by_task_type: Annotated[
        dict[str, TaskTypeTimes],
        About(Topic.FAILURES, AT_ONCE, is_in_form=False, default_in_words="none"),
    ] = Field(default_factory=dict)
    blender_end_grace: Annotated[Duration, About(Topic.FAILURES, AT_ONCE)] = timedelta(minutes=1)
    task_fail_after_softfail_count: Annotated[
        Positive, About(Topic.FAILURES, WITH_JOB, is_flamencos=True)
    ] = 3
    blocklist_threshold: Annotated[Positive, About(Topic.FAILURES, WITH_JOB, is_flamencos=True)] = 3
    fault_rules: Annotated[
        tuple[FaultRule, ...],
        Field(max_length=MOST_RULES),
        About(Topic.FAILURES, AT_ONCE, is_in_form=False, default_in_words="none"),
    ] = ()
    """They come before the built-in rules (workflows/domain/faults.py)."""
    retry_pause_s: Annotated[Seconds, About(Topic.FAILURES, WITH_JOB)] = 5.0
    other_worker_wait: Annotated[Duration, About(Topic.FAILURES)] = timedelta(minutes=15)
    schedule_to_start_s: Annotated[Seconds, About(Topic.TIMES, WITH_JOB)] = 30.0
    heartbeat_s: Annotated[Seconds, About(Topic.TIMES, WITH_JOB)] = 90.0
    history_events: Annotated[Positive, About(Topic.TIMES, WITH_JOB)] = 8_000
    max_live: Annotated[int, Field(ge=1, le=2_000), About(Topic.TIMES, WITH_JOB)] = 500
    """A workflow gets stuck when it has 2,000 pending activities in Temporal."""
    on_deck_below_s: Annotated[Seconds, About(Topic.TIMES, WITH_JOB)] = 30.0

    beat_s: Annotated[Seconds, About(Topic.TIMES)] = 5.0
    lost_after_s: Annotated[Seconds, About(Topic.TIMES)] = 15.0
    """A manager that has just started also listens this long before it misses hosts (rule 10)."""
    sign_on_wait_s: Annotated[Seconds, About(Topic.TIMES, AT_ONCE)] = 30.0
    """After a 5xx, a stock worker registers again or drops its report. So the manager waits."""
    http_poll_s: Annotated[Seconds, About(Topic.TIMES, AT_ONCE)] = 10.0
    keeper_tick_s: Annotated[Seconds, About(Topic.TIMES)] = 5.0
    """Events wake the keeper; it also looks after this time, in case it missed one."""
    keeper_heartbeat_s: Annotated[Seconds, About(Topic.TIMES)] = 5.0
    """Four heartbeats go into it. A keeper that is replaced for nothing costs one more pass."""
    resend_s: Annotated[Seconds, About(Topic.TIMES)] = 5.0
    audit_s: Annotated[Seconds, About(Topic.TIMES)] = 60.0
    restore_mark_s: Annotated[float, Field(gt=0, le=1e9), About(Topic.TIMES)] = 10.0

    events_kept_s: Annotated[Seconds, About(Topic.EVENTS)] = 3_600.0
    """A busy farm of 100 workers makes some 50 events a second."""
    events_queue: Annotated[Positive, About(Topic.EVENTS)] = 500
    """Flamenco disconnects a slow client at the same number."""
    mqtt: Mqtt = Mqtt()
    notifications: Notifications = Notifications()
    smtp: Smtp = Smtp()

    @field_validator("data_dir", mode="after")
    @classmethod
    def _data_dir_in_full(cls, path: Path) -> Path:
        return of_user(path).absolute()

    @field_validator(
        "shared_storage_path", "local_manager_storage_path", "job_types_path", mode="after"
    )
    @classmethod
    def _path_in_full(cls, path: Path, info: ValidationInfo) -> Path:
        if path == Path() and info.field_name is not None:
            # Flamenco writes an empty path for "not set yet".
            path = cls.model_fields[info.field_name].default
        # A setting that was refused is missing here; its own error is reported first.
        expanded = expanded_path(str(path), info.data.get("variables", {}))
        data_dir: Path = info.data.get("data_dir", Path())
        return data_dir / of_user(Path(expanded))

    @field_validator("database", mode="after")
    @classmethod
    def _database_is_an_address(cls, database: str) -> str:
        if "://" not in database:
            of_user(Path(database))
            return database
        # Imported here, because the import would delay every command that reads settings.
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            known = make_url(database).drivername in _DATABASES
        except (ArgumentError, ValueError):
            known = False
        if not known:
            # The message does not quote the address, because it may contain a password.
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
    def tls_files(self) -> tuple[Path, Path] | None:
        """The files of the certificate and of its key; None: plain HTTP is served."""
        if not self.tls.cert:
            return None
        cert, key = (self.data_dir / of_user(Path(each)) for each in (self.tls.cert, self.tls.key))
        return cert, key

    @property
    def own_authority(self) -> Path | None:
        """The certificate of the farm's own authority, if it made the one that is served."""
        authority = self.data_dir / TLS / "authority.pem"
        is_its = self.tls_files is not None and self.tls_files[0].parent == authority.parent
        return authority if is_its and authority.is_file() else None

    @property
    def public_path(self) -> str:
        """The path of `public_url`, which comes before the manager's own; empty if it has none."""
        return urlsplit(self.public_url).path

    @property
    def public_host(self) -> str:
        return urlsplit(self.public_url).hostname or ""

    @property
    def public_origin(self) -> str:
        """`public_url` without its path; empty if it is not set."""
        return self.public_url.removesuffix(self.public_path)

    @property
    def host(self) -> str:
        return host_and_port(self.listen)[0]

    @property
    def port(self) -> int:
        return host_and_port(self.listen)[1]

    @property
    def serves_network_in_plain(self) -> bool:
        """Whether other machines are served plain HTTP."""
        return self.insecure and self.tls_files is None and not is_loopback(self.host)

    @property
    def lets_this_machine_in(self) -> bool:
        """Whether programs of this machine that show no credentials may do what wranglers may."""
        is_alone = is_loopback(self.host) and not self.trusted_proxies and not self.public_url
        return self.loopback == "open" or (self.loopback == "auto" and is_alone)

    @property
    def jobs_path(self) -> Path:
        """The folder of jobs' files: the value of the variable `jobs`, and the path for clients."""
        return (
            self.shared_storage_path / "jobs" if self.shaman.enabled else self.shared_storage_path
        )

    @property
    def database_url(self) -> str:
        if "://" in self.database:
            return self.database
        file = self.database or "tablao.sqlite"
        # In an address, a question mark would end the path.
        return f"sqlite+aiosqlite:///{quote(str(self.data_dir / Path(file).expanduser()))}"

    @property
    def farm_times(self) -> FarmTimes:
        return FarmTimes(
            self.blender_end_grace,
            RunLimits(self.silent_after, WhenSilent(self.when_silent), self.longest_run),
            {name: limits.in_domain for name, limits in self.times_by_task_type.items()},
        )

    @property
    def farm_variables(self) -> Variables:
        return Variables.of_farm(with_defaults(self.variables), str(self.jobs_path))

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings in a file's content.

        Raises:
            SettingsError: the file's format has another version than Flamenco 3.9's.
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
    """Read the settings in force.

    Args:
        content: used in place of the file's content.
        host: replaces the host of `listen`.
        port: replaces the port of `listen`.
        command_line: settings by name; None: not given at the command line.

    Raises:
        SettingsError: a setting is wrong, or the settings file is not readable.
    """
    settings = ManagerSettings.read(command_line, content)
    if host is not None or port is not None:
        listen = address(
            settings.host if host is None else host, settings.port if port is None else port
        )
        settings = ManagerSettings.read({**command_line, "listen": listen}, content)
    files = settings.tls_files
    check_listen(
        settings.host,
        has_tls=files is not None,
        has_proxies=bool(settings.trusted_proxies),
        insecure=settings.insecure,
    )
    if files is not None:
        check_tls_files(*files)
    return settings
