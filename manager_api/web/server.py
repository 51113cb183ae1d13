"""Serves HTTP until the manager is told to stop, and announces its end to clients."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from activities.services.readiness import tell_ready, tell_stopping
from manager_api.database.engine import Database
from manager_api.events.lifecycle import tell_lifecycle
from manager_api.settings.listening import CannotListen, address

#: Time between the announcement that the manager stops and its stop. Source: Flamenco.
GOODBYE_S = 0.5

logger = logging.getLogger(__name__)


class StopRequest:
    """The first SIGINT, SIGTERM or SIGHUP; later ones must not cut off the stop.

    Create it in the process's main task, which the signal cancels unless another action is set. An
    exception that a signal raises in an event loop can be lost, and cuts off what it meets.
    """

    def __init__(self) -> None:
        main_task = asyncio.current_task()
        assert main_task is not None
        self.action: Callable[[], object] = main_task.cancel
        self._is_made = False
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` starts a program with SIGHUP ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._make)

    def _make(self) -> None:
        if not self._is_made:
            self._is_made = True
            self.action()


class ManagerServer(uvicorn.Server):
    """A server that announces its end while it still has connections to its clients."""

    def __init__(self, config: uvicorn.Config, database: Database) -> None:
        super().__init__(config)
        self._database = database

    def stop(self) -> None:
        """Let the server end soon."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone, because `StopRequest` has them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """
        Raises:
            CannotListen: another program has taken the port since it was checked.
        """
        try:
            await super().startup(sockets)
        except SystemExit as end:
            # The library has logged the reason.
            place = address(self.config.host, self.config.port)
            raise CannotListen(f"The manager cannot listen at {place}.") from end
        places = [
            address(*listener.getsockname()[:2])
            for each in self.servers
            for listener in each.sockets
        ]
        for place in places:
            logger.info("listening on %s", place)
        if self.started:
            tell_ready(f"listening on {', '.join(places)}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        tell_stopping()
        await tell_lifecycle(self._database, "manager-shutdown")
        await asyncio.sleep(GOODBYE_S)
        await super().shutdown(sockets)
