"""What routers depend on: one container of the manager's parts, and the services built from it."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import HTTPConnection

from manager_api.access.accounts import AccountService
from manager_api.access.audit import AuditService, RefusalCounter
from manager_api.access.identities import Identities
from manager_api.access.join_tokens import JoinTokenService
from manager_api.access.local_admin import LocalAdmin
from manager_api.access.logins import Logins
from manager_api.access.passwords import Passwords
from manager_api.comments.service import CommentService
from manager_api.contract.errors import NotFound
from manager_api.database.engine import Database, utc_now
from manager_api.database.loops import Duty, begin
from manager_api.doctor.machines import MachineDoctors
from manager_api.doctor.rounds import Rounds
from manager_api.doctor.service import Doctor
from manager_api.doctor.temporal import ReadTemporal
from manager_api.doctor.temporal import no_temporal as no_temporal_facts
from manager_api.end_of_life.archive import ArchiveService
from manager_api.end_of_life.deletion import DeletionService
from manager_api.events.farm_status import FarmWatch
from manager_api.events.lifecycle import tell_lifecycle
from manager_api.events.live import LiveEvents
from manager_api.events.mqtt import MqttPublisher
from manager_api.files.browser import FileService
from manager_api.hosts.runs import RunService
from manager_api.http_workers.polls import HttpPolls
from manager_api.http_workers.presence import patience
from manager_api.http_workers.registry import HttpRuns
from manager_api.http_workers.service import HttpWorkerService
from manager_api.images.frame_images import FrameImages
from manager_api.images.frames import FrameService
from manager_api.images.last_rendered import LastRenderedService, last_rendered_shown
from manager_api.images.scaling import LastRendered
from manager_api.job_types.folder import FolderJobTypes
from manager_api.job_types.registry import JobTypeRegistry
from manager_api.jobs.blocklists import BlocklistService
from manager_api.jobs.control import JobControl
from manager_api.jobs.details import JobDetailService
from manager_api.jobs.log_notes import LogNotes
from manager_api.jobs.recompilation import RecompilationService
from manager_api.jobs.rna_overrides import RnaOverrideService
from manager_api.jobs.service import JobService
from manager_api.jobs.tasks import TaskService
from manager_api.jobs.times_left import TimeLeftService
from manager_api.logs.task_logs import TaskLogs, log_limits
from manager_api.notifications.people import PersonalService
from manager_api.notifications.sender import Notifier
from manager_api.notifications.service import WebhookService
from manager_api.oidc.service import OidcLogins
from manager_api.settings.in_force import Configuration
from manager_api.settings.model import ManagerSettings
from manager_api.settings.storage_marker import marked_storage
from manager_api.shaman.service import Shaman
from manager_api.tls.authority import pin_of_authority
from manager_api.upgrades.managers import ManagerPresence
from manager_api.upgrades.orders import UpgradeOrders
from manager_api.upgrades.package import ManagerPackage
from manager_api.upgrades.service import TemporalVersion, VersionService, no_temporal
from manager_api.version import VERSION
from manager_api.views.service import ViewService
from manager_api.workers.credentials import WorkerCredentials
from manager_api.workers.farm_workers import ConnectedHosts, FarmWorkerService, NoHosts
from manager_api.workers.history import WorkerHistoryService
from manager_api.workers.provisions import ProvisionService
from manager_api.workers.registration_limit import RegistrationLimit
from manager_api.workers.service import WorkerService
from manager_api.workers.sleep_schedules import SleepScheduleService
from manager_api.workers.tags import WorkerTagService


@dataclass(frozen=True, slots=True)
class ManagerParts:
    """Everything that `manager_api.web.app.build_app` needs."""

    configuration: Configuration
    database: Database
    job_types: JobTypeRegistry
    control: JobControl
    logs: TaskLogs
    events: LiveEvents
    last_rendered: LastRendered
    frame_images: FrameImages
    identities: Identities
    passwords: Passwords
    logins: Logins
    oidc: OidcLogins
    refusals: RefusalCounter
    credentials: WorkerCredentials
    registrations: RegistrationLimit
    farm: FarmWatch
    log_notes: LogNotes
    times_left: TimeLeftService
    runs: RunService
    shaman: Shaman
    http_runs: HttpRuns
    mqtt: MqttPublisher
    notifier: Notifier
    presence: ManagerPresence
    package: ManagerPackage
    started_at: datetime
    temporal_address: str = ""
    """The address where this manager reaches Temporal; empty if it does not reach Temporal."""
    temporal_ui: str = ""
    """Where users find Temporal's Web UI: an address, or a path of this manager; empty without."""
    temporal_ui_server: str = ""
    """The loopback address of the Web UI that this manager serves; empty if it serves none."""
    temporal_version: TemporalVersion = no_temporal
    read_temporal: ReadTemporal = no_temporal_facts
    """Asks Temporal for what the doctor judges."""
    doctor_rounds: Rounds = field(default_factory=Rounds)
    hosts: ConnectedHosts = field(default_factory=NoHosts)
    """The hosts that are connected to this manager."""
    is_host_connected: Callable[[str], bool] = lambda _: False
    """Whether the host of a worker is connected to a manager of the farm."""
    extra_routers: tuple[APIRouter, ...] = field(default=())
    """The routers of the control channel and of the tunnel, which have other dependencies."""

    @classmethod
    def assembled(
        cls,
        configuration: Configuration,
        database: Database,
        job_types: JobTypeRegistry,
        control: JobControl,
        **others: Any,
    ) -> "ManagerParts":
        """Build and connect the parts; `others` are the remaining fields."""
        settings = configuration.settings
        live = LiveEvents(database, queue=settings.events_queue, kept_s=settings.events_kept_s)
        logs = TaskLogs(
            settings.local_manager_storage_path, live, lambda: log_limits(configuration.settings)
        )
        mqtt = MqttPublisher(database, live, lambda: configuration.settings.mqtt.client)
        configuration.on_change(mqtt.settings_changed)
        identities = Identities(database, LocalAdmin(), lambda: configuration.settings.oidc.issuer)
        passwords = Passwords()
        return cls(
            configuration=configuration,
            database=database,
            job_types=job_types,
            control=control,
            logs=logs,
            events=live,
            last_rendered=LastRendered(
                logs.job_directory, last_rendered_shown(database, settings.public_path)
            ),
            frame_images=FrameImages(settings.local_manager_storage_path / "frame-images"),
            identities=identities,
            passwords=passwords,
            logins=Logins(database, identities, passwords),
            oidc=OidcLogins(database, identities, lambda: configuration.settings.oidc),
            refusals=RefusalCounter(database, lambda: configuration.settings.audit_kept),
            credentials=WorkerCredentials(database),
            registrations=RegistrationLimit(),
            farm=FarmWatch(database, live),
            log_notes=LogNotes(database, logs, live),
            times_left=TimeLeftService(database),
            runs=RunService(
                database,
                lambda: configuration.variables,
                logs,
                lambda: configuration.settings.farm_times,
                lambda: marked_storage(configuration.settings),
                lambda: configuration.settings.fault_rules,
            ),
            shaman=Shaman(lambda: configuration.settings),
            http_runs=HttpRuns(database, lambda: patience(configuration.settings)),
            mqtt=mqtt,
            notifier=Notifier(database, lambda: configuration.settings),
            presence=ManagerPresence(database, VERSION),
            package=ManagerPackage(),
            started_at=utc_now(),
            **others,
        )

    @property
    def settings(self) -> ManagerSettings:
        """The settings in force now. Read it again for settings that may change at any time."""
        return self.configuration.settings

    async def begin(self, stack: AsyncExitStack) -> None:
        """Run the duties of all parts until the stack ends them."""
        stack.callback(self.job_types.close)
        settings = self.settings
        write = self.identities.local.write
        await asyncio.to_thread(write, settings.data_dir, settings.host, settings.port)
        await self.events.skip_to_newest()
        await begin(stack, {"live events": self.events, "mqtt": self.mqtt})
        await tell_lifecycle(self.database, "manager-startup")
        duties: Mapping[str, Duty] = {
            "farm status": self.farm,
            "refusals": self.refusals,
            "log notes": self.log_notes,
            "last rendered images": self.last_rendered,
            "http workers": self.http_runs,
            "notifications": self.notifier,
            "shaman's garbage collection": self.shaman,
            "managers": self.presence,
        }
        await begin(stack, duties)


# All are coroutines: FastAPI calls plain functions in a thread, which costs more than the call.


async def _parts(connection: HTTPConnection) -> ManagerParts:
    parts: ManagerParts = connection.app.state.parts
    return parts


Parts = Annotated[ManagerParts, Depends(_parts)]


async def _jobs(parts: Parts) -> JobService:
    return JobService(
        parts.database,
        parts.job_types,
        parts.control,
        parts.configuration.variables,
        parts.settings.shared_storage_path,
    )


async def _tasks(parts: Parts) -> TaskService:
    return TaskService(parts.database, parts.control, parts.logs, parts.settings.public_path)


async def _workers(parts: Parts) -> WorkerService:
    return WorkerService(parts.database, parts.settings.sign_on_wait_s)


async def _deletions(parts: Parts) -> DeletionService:
    return DeletionService(parts.database, has_shaman=parts.settings.shaman.enabled)


async def _last_rendered(parts: Parts) -> LastRenderedService:
    return LastRenderedService(parts.database, parts.last_rendered, parts.settings.public_path)


async def _frames(parts: Parts) -> FrameService:
    return FrameService(
        parts.database,
        parts.settings.shared_storage_path,
        parts.configuration.variables,
        parts.frame_images,
        parts.settings.public_path,
    )


async def _files(parts: Parts) -> FileService:
    return FileService(parts.settings, parts.configuration.variables)


async def _runs(parts: Parts) -> RunService:
    return parts.runs


async def _worker_tags(parts: Parts) -> WorkerTagService:
    return WorkerTagService(parts.database)


async def _sleep_schedules(parts: Parts) -> SleepScheduleService:
    return SleepScheduleService(parts.database)


async def _farm_workers(parts: Parts) -> FarmWorkerService:
    return FarmWorkerService(parts.database, parts.hosts)


async def _worker_history(parts: Parts) -> WorkerHistoryService:
    return WorkerHistoryService(parts.database, parts.hosts)


async def _blocklists(parts: Parts) -> BlocklistService:
    return BlocklistService(parts.database, parts.control)


async def _archives(parts: Parts) -> ArchiveService:
    return ArchiveService(parts.database)


async def _job_details(parts: Parts) -> JobDetailService:
    return JobDetailService(parts.database)


async def _job_overrides(parts: Parts) -> RnaOverrideService:
    return RnaOverrideService(parts.database)


async def _recompilations(parts: Parts) -> RecompilationService:
    return RecompilationService(
        parts.database, parts.job_types, parts.control, parts.configuration.variables
    )


async def _provisions(parts: Parts) -> ProvisionService:
    return ProvisionService(parts.database)


async def _accounts(parts: Parts) -> AccountService:
    return AccountService(parts.database, parts.identities, parts.passwords)


async def _join_tokens(parts: Parts) -> JoinTokenService:
    return JoinTokenService(parts.database, lambda: pin_of_authority(parts.settings.own_authority))


async def _audit(parts: Parts) -> AuditService:
    return AuditService(parts.database)


async def _versions(parts: Parts) -> VersionService:
    is_embedded = not parts.settings.temporal_address
    return VersionService(
        parts.database, parts.presence, parts.temporal_version, is_embedded=is_embedded
    )


async def _doctor(parts: Parts) -> Doctor:
    return Doctor(
        parts.doctor_rounds,
        parts.settings,
        parts.database,
        parts.presence,
        parts.job_types,
        parts.read_temporal,
        parts.hosts,
    )


async def _machine_doctors(parts: Parts) -> MachineDoctors:
    return MachineDoctors(parts.database)


async def _upgrade_orders(parts: Parts) -> UpgradeOrders:
    return UpgradeOrders(parts.database, parts.package, parts.presence.version)


async def _saved_views(parts: Parts) -> ViewService:
    return ViewService(parts.database)


async def _comments(parts: Parts) -> CommentService:
    return CommentService(parts.database)


async def _webhooks(parts: Parts) -> WebhookService:
    return WebhookService(parts.database, parts.settings.notifications.times)


async def _personal(parts: Parts) -> PersonalService:
    can_send = bool(parts.settings.smtp.host)
    return PersonalService(parts.database, parts.notifier, can_send=can_send)


async def _scripts(parts: Parts) -> FolderJobTypes:
    if parts.job_types.scripts is None:
        raise NotFound("this manager has no folder of job types")
    return parts.job_types.scripts


async def enabled_shaman(parts: Parts) -> Shaman:
    parts.shaman.check_enabled()
    return parts.shaman


async def _http_workers(parts: Parts) -> HttpWorkerService:
    settings = parts.settings
    return HttpWorkerService(
        parts.http_runs, parts.logs, parts.control, settings.sign_on_wait_s, settings.fault_rules
    )


async def _http_polling(parts: Parts) -> HttpPolls:
    settings = parts.settings
    return HttpPolls(
        parts.http_runs,
        parts.logs,
        parts.configuration.variables,
        settings.http_poll_s,
        settings.sign_on_wait_s,
    )


Jobs = Annotated[JobService, Depends(_jobs)]
Tasks = Annotated[TaskService, Depends(_tasks)]
Workers = Annotated[WorkerService, Depends(_workers)]
Runs = Annotated[RunService, Depends(_runs)]
Deletions = Annotated[DeletionService, Depends(_deletions)]
LastRenderedImages = Annotated[LastRenderedService, Depends(_last_rendered)]
Frames = Annotated[FrameService, Depends(_frames)]
Files = Annotated[FileService, Depends(_files)]
WorkerTags = Annotated[WorkerTagService, Depends(_worker_tags)]
SleepSchedules = Annotated[SleepScheduleService, Depends(_sleep_schedules)]
Blocklists = Annotated[BlocklistService, Depends(_blocklists)]
FarmWorkers = Annotated[FarmWorkerService, Depends(_farm_workers)]
WorkerHistory = Annotated[WorkerHistoryService, Depends(_worker_history)]
Archives = Annotated[ArchiveService, Depends(_archives)]
JobDetails = Annotated[JobDetailService, Depends(_job_details)]
JobOverrides = Annotated[RnaOverrideService, Depends(_job_overrides)]
Recompilations = Annotated[RecompilationService, Depends(_recompilations)]
Provisions = Annotated[ProvisionService, Depends(_provisions)]
VersionsOfFarm = Annotated[VersionService, Depends(_versions)]
DoctorOfFarm = Annotated[Doctor, Depends(_doctor)]
DoctorsOfMachines = Annotated[MachineDoctors, Depends(_machine_doctors)]
Upgrades = Annotated[UpgradeOrders, Depends(_upgrade_orders)]
SavedViews = Annotated[ViewService, Depends(_saved_views)]
WebhooksOfFarm = Annotated[WebhookService, Depends(_webhooks)]
Personal = Annotated[PersonalService, Depends(_personal)]
Comments = Annotated[CommentService, Depends(_comments)]
AccountsOfFarm = Annotated[AccountService, Depends(_accounts)]
JoinTokensOfFarm = Annotated[JoinTokenService, Depends(_join_tokens)]
AuditOfFarm = Annotated[AuditService, Depends(_audit)]
Scripts = Annotated[FolderJobTypes, Depends(_scripts)]
EnabledShaman = Annotated[Shaman, Depends(enabled_shaman)]
HttpWorkers = Annotated[HttpWorkerService, Depends(_http_workers)]
HttpPolling = Annotated[HttpPolls, Depends(_http_polling)]
