"""Publishes that this manager has started, and that it is about to stop."""

import logging
import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from manager_api.database import events
from manager_api.database.engine import Database, DatabaseBusy
from manager_api.database.payloads import LIFECYCLE, LifecycleType, lifecycle_event

logger = logging.getLogger(__name__)


async def tell_lifecycle(database: Database, what: LifecycleType) -> None:
    """Store a lifecycle event, if the database allows it.

    A busy or broken database must not keep the manager from starting or stopping.
    """
    try:
        async with database.writing() as session:
            events.append(session, LIFECYCLE, lifecycle_event(what))
    except (DatabaseBusy, SQLAlchemyError, sqlite3.Error) as error:
        logger.warning("event not stored", extra={"lifecycle": what, "reason": str(error)})
