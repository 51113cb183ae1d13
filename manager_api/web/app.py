"""Builds the web application."""

import re

from fastapi import APIRouter, FastAPI

from manager_api.images.scaling import FORMATS
from manager_api.version import NAME, VERSION
from manager_api.web import addon, dashboard, explorer, job_files, refusals, temporal_ui
from manager_api.web.audit_trail import AuditTrail
from manager_api.web.auth import is_known
from manager_api.web.body_limit import BodyLimit, LimitOf
from manager_api.web.dependencies import ManagerParts
from manager_api.web.flamenco import (
    configuration,
    discovery,
    job_deletion,
    job_workers,
    jobs,
    last_rendered,
    meta,
    shaman,
    socket_io,
    worker,
    worker_mgt,
    worker_tags,
    worker_tasks,
)
from manager_api.web.latency import Latency
from manager_api.web.openapi_document import describe
from manager_api.web.outer_checks import ManagerApp
from manager_api.web.responses import leave_out_types_of_no_body
from manager_api.web.tablao import (
    accounts,
    actions,
    archives,
    comments,
    doctor,
    events,
    farm,
    farm_history,
    files,
    frames,
    garbage,
    job_details,
    job_types,
    joining,
    login,
    metrics,
    notifications,
    oidc,
    provisions,
    rna_overrides,
    runs,
    task_logs,
    versions,
    views,
    workers,
)
from manager_api.web.tablao import configuration as tablao_configuration
from manager_api.web.tablao import jobs as farm_jobs
from manager_api.web.tablao import last_rendered as recent_images

#: The requests that have more to say than others: their paths, and the least limit in bytes.
_LARGER: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"/api/v3/shaman/checkout/(requirements|create)"), 32 * 2**20),
    (re.compile(r"/api/v3/jobs(/check)?"), 4 * 2**20),
    (re.compile(r"/api/tablao/v1/jobs/[^/]+/recompile"), 4 * 2**20),
    (re.compile(r"/api/tablao/v1/job-types/(test-compile|preview-job|[^/]+/source)"), 4 * 2**20),
)

#: They are looked through in this order.
ROUTERS: tuple[APIRouter, ...] = (
    # Hosts fetch a run for each task.
    runs.router,
    meta.router,
    configuration.router,
    tablao_configuration.router,
    # These two come before `jobs`, because that would take some of their addresses for job ids.
    job_deletion.router,
    last_rendered.router,
    jobs.router,
    worker.registration,
    worker.router,
    worker_tasks.router,
    worker_mgt.router,
    worker_tags.router,
    job_workers.router,
    joining.router,
    workers.router,
    login.router,
    oidc.router,
    accounts.router,
    shaman.router,
    garbage.router,
    actions.router,
    farm_jobs.router,
    job_details.router,
    task_logs.router,
    rna_overrides.router,
    archives.router,
    views.router,
    comments.router,
    events.router,
    farm.router,
    metrics.router,
    versions.router,
    doctor.router,
    notifications.router,
    farm_history.router,
    files.router,
    frames.router,
    recent_images.router,
    provisions.router,
    job_types.router,
    job_files.router,
    socket_io.router,
    discovery.router,
    explorer.router,
    temporal_ui.router,
    addon.router,
    dashboard.router,
)


def build_app(parts: ManagerParts) -> FastAPI:
    """Build the application.

    It only answers requests: call `ManagerParts.begin` before it serves.
    """
    app = ManagerApp(
        title=NAME,
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # Flamenco does not redirect either: an address with an extra slash is unknown.
        redirect_slashes=False,
    )
    app.state.parts = parts
    app.add_middleware(BodyLimit, limit_of=_limits(parts), is_known=is_known)
    app.add_middleware(AuditTrail, database=parts.database, refusals=parts.refusals)
    app.add_middleware(Latency)
    refusals.add_to(app)
    for router in (*ROUTERS, *parts.extra_routers):
        leave_out_types_of_no_body(router)
        # `include_router` makes each route a second time, which takes a second of CPU at a start.
        app.router.routes.extend(router.routes)
    describe(app)
    return app


def _limits(parts: ManagerParts) -> LimitOf:
    def limit_of(path: str, media_type: str) -> int:
        settings = parts.settings
        if path.startswith(shaman.UPLOADS):
            return settings.shaman.max_upload_bytes
        if media_type in FORMATS:
            return settings.max_image_bytes
        least = next((size for paths, size in _LARGER if paths.fullmatch(path)), 0)
        return max(least, settings.max_json_bytes)

    return limit_of
