"""The duty that tells what happened: it stores deliveries, and tries them until they are taken."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from manager_api.database.busy import retry_while_busy
from manager_api.database.engine import Changed, Database, utc_now
from manager_api.database.loops import tidy, until_one_ends, whenever
from manager_api.database.payloads import rfc3339
from manager_api.notifications import email, outbox, webhook
from manager_api.notifications.outbox import Claimed, Outcome
from manager_api.settings.model import ManagerSettings
from workflows.domain.notification_texts import body_of
from workflows.domain.notifications import Shape, Times, Way

#: The longest time between two looks, in seconds.
_LOOK_EVERY_S = 2.0
_PRUNE_EVERY_S = 3_600.0
#: How long a busy database is asked again to store how a try ended, in seconds.
_STORE_WITHIN_S = 30.0

logger = logging.getLogger(__name__)


class Notifier:
    def __init__(self, database: Database, settings: Callable[[], ManagerSettings]) -> None:
        """
        Args:
            settings: returns the settings in force.
        """
        self._database = database
        self._settings = settings
        self._happened = asyncio.Event()
        self._is_due = asyncio.Event()

    async def run(self) -> None:
        """Tell until canceled."""
        self._database.listen(Changed.HAPPENINGS, self._happened.set)
        tick_s = min(_LOOK_EVERY_S, max(0.05, self._times.gather.total_seconds() / 2))
        try:
            await until_one_ends(
                whenever(self._happened, self._tell, tick_s=tick_s),
                # A receiver that does not answer delays only this one.
                whenever(self._is_due, self._send_due, tick_s=tick_s),
                tidy(self._prune, every_s=_PRUNE_EVERY_S),
            )
        finally:
            self._database.unlisten(Changed.HAPPENINGS, self._happened.set)

    def look(self) -> None:
        """Look at once whether there is something to send."""
        self._is_due.set()

    @property
    def _times(self) -> Times:
        return self._settings().notifications.times

    async def _tell(self) -> None:
        now, times = utc_now(), self._times
        async with self._database.reading() as session:
            if not await outbox.has_due(session, now, times):
                return
        async with self._database.writing() as session:
            await outbox.tell_due(session, now, times)
        self._is_due.set()

    async def _send_due(self) -> None:
        while claimed := await self._claim():
            await asyncio.gather(*(self._try(delivery) for delivery in claimed))

    async def _claim(self) -> Sequence[Claimed]:
        now = utc_now()
        async with self._database.reading() as session:
            if not await outbox.has_claimable(session, now):
                return ()
        async with self._database.writing() as session:
            return await outbox.claim_due(session, now, self._times)

    async def _try(self, delivery: Claimed) -> None:
        """Try a delivery once, and store how it ended.

        A manager that is killed between the two leaves the claim, and the delivery is tried again
        after its end: with the same id, so that the receiver can know the repeat.
        """
        outcome = await self.send(delivery)

        async def store() -> None:
            async with self._database.writing() as session:
                await outbox.record(session, delivery, outcome, utc_now(), self._times)

        await retry_while_busy(store, _STORE_WITHIN_S)
        if not outcome.is_sent:
            about = {"delivery": delivery.id, "way": str(delivery.way), "reason": outcome.sentence}
            logger.warning("a notification was not taken", extra=about)

    async def send(self, delivery: Claimed) -> Outcome:
        """Try a delivery once, and store nothing."""
        try:
            return await self._sent(delivery)
        except Exception as error:  # one delivery must not keep the others
            # The error's text may have the address in it, and that a secret.
            about = {"delivery": delivery.id, "error": type(error).__name__}
            logger.error("a notification cannot be made", extra=about)
            return Outcome(False, "it could not be made; the manager's log names the error")

    async def _sent(self, delivery: Claimed) -> Outcome:
        settings = self._settings()
        if delivery.way is Way.EMAIL:
            return await email.send(
                delivery, settings.smtp, settings.manager_name, settings.public_url
            )
        body = body_of(
            Shape(delivery.shape),
            delivery.message,
            farm=settings.manager_name,
            farm_url=settings.public_url,
            created=rfc3339(delivery.created),
        )
        return await webhook.send(delivery, body, int(utc_now().timestamp()))

    async def _prune(self) -> None:
        async with self._database.writing() as session:
            await outbox.prune(session, utc_now())
