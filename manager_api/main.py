"""The manager's process: builds all parts, serves HTTP, works for Temporal."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn
from temporalio.client import Client
from uvicorn.loops.auto import auto_loop_factory

from activities.http_workers import HttpRendering
from activities.keeper_memory import Wakeup
from activities.keeping import FarmKeeper, KeeperDuty
from activities.process.sdk_logs import log_only_errors_of_sdk
from activities.projection import Projection
from manager_api.access.store import has_admin
from manager_api.contract.farm import TEMPORAL_UI
from manager_api.database.check import check_database
from manager_api.database.engine import Changed, Database
from manager_api.database.loops import Duty, begin
from manager_api.database.payloads import JOBS, WORKERS
from manager_api.discovery.advertising import discoverable
from manager_api.end_of_life.archiver import JobArchiver
from manager_api.end_of_life.deleter import DeletionTimes, JobDeleter, PendingDeletionCanceler
from manager_api.end_of_life.job_files import JobTraces
from manager_api.events.live import Reaction
from manager_api.hosts.channel import ChannelSettings, Hosts
from manager_api.hosts.farm_hosts import FarmHosts
from manager_api.hosts.provision_watch import ProvisionWatch
from manager_api.hosts.records import SqlHostRecords
from manager_api.http_workers.keeping import HttpRunKeeping, OutcomeDelivery
from manager_api.http_workers.notifier import RunNotifier
from manager_api.job_types.farm import farm_job_types
from manager_api.jobs.list_filling import JobListFilling
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.keeper.pruning import LeasePruning
from manager_api.keeper.restores import RestoreWatch
from manager_api.keeper.sampling import Sampling
from manager_api.keeper.store import SqlKeeperStore
from manager_api.logs.process_log import set_level, set_up_log
from manager_api.logs.task_logs import TaskLogs
from manager_api.settings.database_watch import DatabaseWatch
from manager_api.settings.in_force import Configuration
from manager_api.settings.listening import check_can_listen
from manager_api.settings.model import DATABASE_MARK, ManagerSettings
from manager_api.settings.private_memory import keep_memory_private
from manager_api.settings.storage_folders import make_storage_folders
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.activities import TemporalActivities
from manager_api.temporal.examination import TemporalExamination
from manager_api.temporal.manager_worker import ManagerWorker, keeper_beat_s
from manager_api.temporal.open_tunnels import OpenTunnels
from manager_api.temporal.orchestrator import TemporalJobs
from manager_api.temporal.server import TemporalServer
from manager_api.temporal.server_version import ServerVersion
from manager_api.temporal.tunnel import tunnel_router
from manager_api.temporal.worker_tunnels import WorkerTunnels
from manager_api.tls.serving import ServedCertificate
from manager_api.web.app import build_app
from manager_api.web.auth import (
    admitted_worker_of,
    close_tunnel_when_revoked,
    may_reach_temporal,
    worker_of,
)
from manager_api.web.connections import limited_connection
from manager_api.web.dependencies import ManagerParts
from manager_api.web.proxies import proxies_of
from manager_api.web.server import ManagerServer, StopRequest
from manager_api.web.tablao.host import host_router
from manager_api.workers.credentials import WorkerCredentials
from manager_api.workers.sleep_schedules import SleepDuty
from workflows.domain.keeping import KeeperTimes
from workflows.domain.messages import Limits

logger = logging.getLogger(__name__)


def run_manager(configuration: Configuration) -> None:
    """Run the manager until SIGINT, SIGTERM or SIGHUP."""
    keep_memory_private()
    set_up_log(configuration.settings.log_level)
    configuration.on_change(_follow_log_level)
    log_only_errors_of_sdk()
    # uvloop where it exists: every byte between hosts and Temporal passes through this loop.
    with (
        contextlib.suppress(asyncio.CancelledError),
        asyncio.Runner(loop_factory=auto_loop_factory()) as runner,
    ):
        runner.run(_serve(configuration))


async def _follow_log_level(settings: ManagerSettings) -> None:
    set_level(settings.log_level)


async def _serve(configuration: Configuration) -> None:
    settings = configuration.settings
    stop = StopRequest()
    certificate = settings.tls_files and ServedCertificate(*settings.tls_files)
    _warn_of_plain_http(settings)
    check_can_listen(settings.host, settings.port)
    async with manager(configuration) as parts, AsyncExitStack() as stack:
        if certificate:
            await begin(stack, {"certificate": certificate})
        config = uvicorn.Config(
            build_app(parts),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=3,
            ws="websockets-sansio",
            ws_max_size=2**20,
            # `TrustedProxies` reads the headers of proxies.
            proxy_headers=False,
            http=limited_connection(settings.max_connections, proxies_of(settings)),
            ssl_context_factory=(lambda *_: certificate.context) if certificate else None,
        )
        _leave_the_start_alone()
        server = ManagerServer(config, parts.database)
        stop.action = server.stop
        watch = asyncio.create_task(DatabaseWatch(parts.database, configuration).run())
        # The watch ends by itself only if the database is broken; then the manager ends, too.
        watch.add_done_callback(lambda _: server.stop())
        try:
            async with discoverable(settings):
                await server.serve()
        finally:
            watch.cancel()
        if not watch.cancelled() and watch.done():
            watch.result()


def _warn_of_plain_http(settings: ManagerSettings) -> None:
    if settings.serves_network_in_plain:
        logger.warning(
            "insecure: plain HTTP is served to the network, which can read and change all of it",
            extra={"listen": settings.listen},
        )


def _leave_the_start_alone() -> None:
    # The objects of the start live as long as the manager. A garbage collection that visits all of
    # them blocks the event loop for a tenth of a second. There is next to no garbage among them, so
    # it is not looked for, which would take as long (`manager_api.cli.farm` has switched it off).
    gc.freeze()
    gc.enable()


@asynccontextmanager
async def manager(configuration: Configuration) -> AsyncIterator[ManagerParts]:
    """Begin all parts except HTTP: database, Temporal, hosts, keeper; end them in reverse order."""
    settings = configuration.settings
    async with AsyncExitStack() as stack:
        database = await _database(settings, stack)
        restore_watch = await _restore_watch(settings, database, stack)
        temporal, ui, ui_server = await _temporal(settings, stack)
        client = await temporal.connect(lazy=True)
        parts = ManagerParts.assembled(
            configuration,
            database,
            farm_job_types(lambda: configuration.settings),
            TemporalJobs(client, database),
            temporal_address=temporal.address,
            temporal_ui=ui,
            temporal_ui_server=ui_server,
            temporal_version=ServerVersion(client).read,
            read_temporal=TemporalExamination(
                client, temporal.address, is_embedded=not settings.temporal_address
            ).read,
        )
        await parts.begin(stack)
        await _tell_of_first_administrator(parts)
        channel = _channel_settings(settings)
        hosts = _hosts(parts, channel)
        farm_hosts = FarmHosts(hosts, database, parts.events, channel, parts.package.upgrade_order)
        worker_tunnels = _worker_tunnels(parts, temporal, hosts)
        duties: Mapping[str, Duty] = {
            "hosts": hosts,
            "hosts of other managers": farm_hosts,
            "temporal worker": _temporal_worker(parts, client, hosts, farm_hosts, temporal),
            "tunnels of workers": worker_tunnels.open,
            "provisions": ProvisionWatch(database, parts.events, hosts),
            "marks": restore_watch,
            "outcomes": OutcomeDelivery(database, TemporalActivities(client)),
            "list of jobs": JobListFilling(database),
        }
        await begin(stack, duties)
        tunnel = tunnel_router(
            lambda: temporal.address,
            may_reach_temporal,
            serve_worker=worker_tunnels.serve,
            until_void=close_tunnel_when_revoked,
        )
        yield replace(
            parts,
            hosts=hosts,
            is_host_connected=farm_hosts.is_connected,
            extra_routers=(host_router(hosts, worker_of), tunnel),
        )


async def _tell_of_first_administrator(parts: ManagerParts) -> None:
    if parts.settings.lets_this_machine_in:
        return
    async with parts.database.reading() as session:
        if not await has_admin(session):
            logger.warning(
                "no administrator has an account yet: on this machine, `tablao login-link` prints "
                "a link that logs one in"
            )


async def _database(settings: ManagerSettings, stack: AsyncExitStack) -> Database:
    make_storage_folders(settings)
    database = Database(settings.database_url)
    stack.push_async_callback(database.close)
    await check_database(database)
    await database.migrate()
    return database


async def _restore_watch(
    settings: ManagerSettings, database: Database, stack: AsyncExitStack
) -> RestoreWatch:
    logs = TaskLogs(settings.local_manager_storage_path)
    file, every_s = settings.data_dir / DATABASE_MARK, settings.restore_mark_s
    watch = RestoreWatch(database, file, logs, every_s=every_s)
    await watch.begin()
    stack.push_async_callback(watch.mark)
    return watch


async def _temporal(
    settings: ManagerSettings, stack: AsyncExitStack
) -> tuple[TemporalAccess, str, str]:
    """Start the embedded Temporal if needed.

    Returns:
        How to reach Temporal, where users find its Web UI, and where this manager does.
    """
    if settings.temporal_address:
        return TemporalAccess.of_studio(settings), settings.temporal_ui_url, ""
    ui_path = f"{settings.public_path}{TEMPORAL_UI}"
    server = TemporalServer(
        settings.data_dir / "temporal",
        namespace=settings.temporal_namespace,
        retention_days=settings.retention_days,
        ui_path=ui_path.rstrip("/") if settings.temporal_ui else None,
    )
    await server.start()
    stack.push_async_callback(server.stop)
    access = TemporalAccess(server.address, settings.temporal_namespace)
    return access, ui_path if settings.temporal_ui else "", server.ui_url


def _channel_settings(settings: ManagerSettings) -> ChannelSettings:
    return ChannelSettings(
        beat_s=settings.beat_s,
        lost_after_s=settings.lost_after_s,
        seen_every_s=settings.lost_after_s / 3,
        namespace=settings.temporal_namespace,
    )


def _hosts(parts: ManagerParts, channel: ChannelSettings) -> Hosts:
    records = SqlHostRecords(
        parts.database, parts.logs, parts.runs.task_fetched, parts.runs.programs
    )
    hosts = Hosts(records, parts.logs, channel)
    hosts.on_statistics = parts.events.machine_told
    return hosts


def _worker_tunnels(parts: ManagerParts, temporal: TemporalAccess, hosts: Hosts) -> WorkerTunnels:
    tunnels = WorkerTunnels(
        temporal.connect_for_worker, admitted_worker_of, parts.credentials.tunnel_rights
    )
    if not parts.database.is_sqlite:
        parts.events.react(_forgetting(parts.credentials, tunnels.open, hosts))
    parts.database.listen(Changed.DELETED_WORKERS, tunnels.open.check_soon)
    return tunnels


def _keeper_duties(parts: ManagerParts) -> Sequence[KeeperDuty]:
    times = DeletionTimes(
        tick_s=parts.settings.keeper_tick_s, cancel_again_s=parts.settings.resend_s
    )
    traces = JobTraces(parts.logs, parts.last_rendered, lambda: parts.settings)
    return (
        PendingDeletionCanceler(parts.database, parts.control, times),
        JobDeleter(
            parts.database,
            erase_checkout=traces.erase_checkout,
            erase_files=traces.erase_files,
            times=times,
        ),
        JobArchiver(
            parts.database,
            parts.control,
            erase_logs=traces.erase_logs,
            tick_s=times.tick_s,
            cancel_again_s=times.cancel_again_s,
        ),
        SleepDuty(parts.database, parts.settings.keeper_tick_s),
        LeasePruning(SqlKeeperStore(parts.database)),
        Sampling(parts.database, lambda: parts.settings.history_kept),
    )


def _http_run_keeping(parts: ManagerParts, client: Client) -> KeeperDuty:
    # A quarter of the time-out, so two heartbeats may be late or be lost with a dying manager.
    return HttpRunKeeping(
        parts.http_runs,
        TemporalActivities(client),
        lambda: parts.settings.heartbeat_s / 4,
        lambda: parts.configuration.settings.farm_times,
    )


def _temporal_worker(
    parts: ManagerParts,
    client: Client,
    hosts: Hosts,
    farm_hosts: FarmHosts,
    temporal: TemporalAccess,
) -> ManagerWorker:
    configuration, database, settings = parts.configuration, parts.database, parts.settings
    http_runs = parts.http_runs
    wakeup = Wakeup()
    database.listen(Changed.FARM, wakeup.wake)
    if not database.is_sqlite:
        parts.events.react(_waking(wakeup))
    database.listen(Changed.DELETED_WORKERS, hosts.look_for_deleted)
    hosts.on_change = wakeup.wake
    store = SqlProjectionStore(database, lambda: _limits(configuration.settings))
    projection = Projection(store, RunNotifier(farm_hosts, http_runs), wakeup)
    keeper = FarmKeeper(
        SqlKeeperStore(database, http_runs.presence.is_present),
        TemporalJobs(client, database),
        farm_hosts,
        wakeup,
        KeeperTimes(
            tick_s=settings.keeper_tick_s,
            resend_s=settings.resend_s,
            audit_s=settings.audit_s,
            starved_after_s=settings.other_worker_wait.total_seconds(),
        ),
        heartbeat_every_s=keeper_beat_s(settings.keeper_heartbeat_s),
        duties=(*_keeper_duties(parts), _http_run_keeping(parts, client)),
    )
    return ManagerWorker(
        temporal,
        [projection.claim_job, projection.store_changes, keeper.keep_farm],
        settings.keeper_heartbeat_s,
        http_activities=[HttpRendering(http_runs).run_task],
    )


def _forgetting(credentials: WorkerCredentials, tunnels: OpenTunnels, hosts: Hosts) -> Reaction:
    """Return a reaction that forgets workers which other managers have changed or deleted."""

    def react(topic: str, payload: Mapping[str, Any]) -> None:
        if topic == WORKERS:
            worker_id = str(payload.get("id"))
            credentials.forget(worker_id)
            if "deleted_at" in payload:
                tunnels.close_worker(worker_id)
                hosts.look_for_deleted()

    return react


def _waking(wakeup: Wakeup) -> Reaction:
    """Return a reaction that wakes the keeper for changes which other managers have made."""

    def react(topic: str, _payload: Mapping[str, Any]) -> None:
        if topic in (JOBS, WORKERS):
            wakeup.wake()

    return react


def _limits(settings: ManagerSettings) -> Limits:
    return Limits(
        softfail_limit=settings.task_fail_after_softfail_count,
        blocklist_threshold=settings.blocklist_threshold,
        retry_pause_s=settings.retry_pause_s,
        schedule_to_start_s=settings.schedule_to_start_s,
        heartbeat_s=settings.heartbeat_s,
        history_events=settings.history_events,
        max_live=settings.max_live,
        on_deck_below_s=settings.on_deck_below_s,
    )
