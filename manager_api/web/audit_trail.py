"""Stores what callers change in the audit."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from manager_api.access.audit import RefusalCounter
from manager_api.database.engine import Database, DatabaseBusy, utc_now
from manager_api.database.trail import DONE, Entry, Recording
from manager_api.web.outer_checks import HARMLESS
from workflows.domain.access import Kind

logger = logging.getLogger(__name__)


class AuditTrail:
    """ASGI middleware. The check of a route fills in the entry (`auth.py`).

    Most changes are stored together with their entry, and what was refused for missing rights is
    counted. What is left is stored right before the answer is sent: changes that a workflow makes,
    and what was refused for another reason. So who has the answer finds the entry. Such refusals of
    callers without credentials are counted, too.
    """

    def __init__(self, app: ASGIApp, database: Database, refusals: RefusalCounter) -> None:
        self._app = app
        self._database = database
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in HARMLESS:
            await self._app(scope, receive, send)
            return
        with Recording() as entry:

            async def keeping(message: Message) -> None:
                if message["type"] == "http.response.start":
                    await self._keep(entry, message["status"])
                await send(message)

            try:
                await self._app(scope, receive, keeping)
            except BaseException:
                await self._keep(entry, 500)
                raise

    async def _keep(self, entry: Entry, status: int) -> None:
        if not entry.action or entry.is_stored:
            return
        if status < 400:
            await self._store(entry, DONE)
        elif entry.caller.kind is Kind.NOBODY:
            self._refusals.count(entry, f"refused: HTTP {status}")
        else:
            await self._store(entry, f"refused: HTTP {status}")

    async def _store(self, entry: Entry, outcome: str) -> None:
        entry.is_stored = True
        try:
            async with self._database.writing() as session:
                session.add(entry.row(utc_now(), outcome))
        except DatabaseBusy as problem:
            logger.warning(
                "an entry of the audit was not stored",
                extra={"action": entry.action, "caller": entry.caller.name, "reason": str(problem)},
            )
