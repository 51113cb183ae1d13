"""Tells that this manager has started, and that it is about to stop."""

import structlog

from manager_api.db import events
from manager_api.db.engine import Database, DatabaseBusy
from manager_api.db.payloads import LIFECYCLE, LifecycleType, lifecycle_event

_log = structlog.get_logger(__name__)


async def tell_lifecycle(database: Database, what: LifecycleType) -> None:
    """Nobody waits for it: a busy database is no reason not to start or stop."""
    try:
        async with database.writing() as session:
            events.append(session, LIFECYCLE, lifecycle_event(what))
    except DatabaseBusy as error:
        _log.warning("not told", lifecycle=what, reason=str(error))
