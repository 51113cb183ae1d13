"""Tells that this manager has started, and that it is about to stop."""

import logging
import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from manager_api.database import events
from manager_api.database.engine import Database, DatabaseBusy
from manager_api.database.payloads import LIFECYCLE, LifecycleType, lifecycle_event

logger = logging.getLogger(__name__)


async def tell_lifecycle(database: Database, what: LifecycleType) -> None:
    """Nobody waits for it: a busy or broken database is no reason not to start or stop."""
    try:
        async with database.writing() as session:
            events.append(session, LIFECYCLE, lifecycle_event(what))
    except (DatabaseBusy, SQLAlchemyError, sqlite3.Error) as error:
        logger.warning("not told", extra={"lifecycle": what, "reason": str(error)})
