"""Stores what callers change in the audit."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from manager_api.database.engine import Database, DatabaseBusy, utc_now
from manager_api.database.trail import DONE, Entry, Recording
from manager_api.web.outer_checks import HARMLESS

_REFUSED_FOR_RIGHTS = (401, 403)

logger = logging.getLogger(__name__)


class AuditTrail:
    """ASGI middleware. The check of a route fills in the entry (`auth.py`).

    Most changes are stored together with their entry. What is left is stored after the answer:
    changes that a workflow makes, and what was refused for another reason than missing rights,
    which are counted.
    """

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in HARMLESS:
            await self._app(scope, receive, send)
            return
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with Recording() as entry:
            try:
                await self._app(scope, receive, noting)
            finally:
                is_left = bool(entry.action) and not entry.is_stored
                if is_left and status not in _REFUSED_FOR_RIGHTS:
                    await self.store(entry, DONE if status < 400 else f"refused: HTTP {status}")

    async def store(self, entry: Entry, outcome: str = DONE) -> None:
        entry.is_stored = True
        try:
            async with self._database.writing() as session:
                session.add(entry.row(utc_now(), outcome))
        except DatabaseBusy as problem:
            logger.warning(
                "an entry of the audit was not stored",
                extra={"action": entry.action, "caller": entry.caller.name, "reason": str(problem)},
            )
