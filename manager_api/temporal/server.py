"""The embedded Temporal server: started once per data folder, adopted, kept alive.

The server outlives the manager. A manager that starts finds it, adopts it and goes on; a server
that dies comes back on the same address, so clients only have to reconnect.
"""

import asyncio
import contextlib
import ipaddress
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
from temporalio.client import Client
from temporalio.service import RPCError

from manager_api.temporal.namespace import settle_namespace
from manager_api.temporal.process import (
    ServerFiles,
    ServerRecord,
    find_running,
    free_port,
    is_alive,
    is_free,
    spawn,
)

logger = logging.getLogger(__name__)


class TemporalUnavailableError(Exception):
    """The embedded Temporal server could not be brought up."""


class TemporalServer:
    """The embedded server of one data folder.

    Args:
        data_dir: The folder of its database, log and record; created if missing.
        ip: A loopback address. The server has no login, so other machines use the tunnel.
        port: Its gRPC port. By default a free port is chosen and remembered. An adopted server
            keeps its port.
        ui_path: The path at which its Web UI serves its pages, such as `/temporal`; None: it has no
            Web UI. The UI has no login either. Its port is chosen like `port`.
        namespace: The namespace that is created if missing.
        retention_days: How long closed workflows are kept.
        start_timeout: Seconds within which it must answer.
        stop_timeout: Seconds that it has to end before it is killed.
        watch_interval: Seconds between two checks whether it lives.
        backoff: Seconds before the first restart, and the longest pause. The pause doubles after
            each failed restart.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        ip: str = "127.0.0.1",
        port: int | None = None,
        ui_path: str | None = None,
        namespace: str = "default",
        retention_days: int = 30,
        start_timeout: float = 60.0,
        stop_timeout: float = 10.0,
        watch_interval: float = 0.2,
        backoff: tuple[float, float] = (0.2, 5.0),
    ) -> None:
        if not ipaddress.ip_address(ip).is_loopback:
            raise ValueError(f"the embedded Temporal listens on loopback only, not on {ip}")
        self._files = ServerFiles(data_dir.resolve())
        self._ip = ip
        self._asked_port = port
        self._ui_path = ui_path
        self._namespace = namespace
        self._retention = timedelta(days=retention_days)
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._watch_interval = watch_interval
        self._backoff = backoff
        self._record: ServerRecord | None = None
        self._process: psutil.Process | None = None
        # Only a child of this process can become its zombie; an adopted server is not its child.
        self._child: subprocess.Popen[bytes] | None = None
        self._supervision: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """`host:port` of the gRPC interface; it does not change while this object lives."""
        return self._host_port(self._started.port)

    @property
    def ui_url(self) -> str:
        """The address of the Web UI's port; empty without a Web UI."""
        ui_port = self._started.ui_port
        return f"http://{self._host_port(ui_port)}" if ui_port else ""

    @property
    def pid(self) -> int:
        """The pid of the server's process; during a restart, of the last process."""
        return self._started.pid

    async def start(self) -> None:
        """Adopt the server of this data folder, or start it; return when it answers.

        Raises:
            TemporalUnavailableError: The server did not answer in time, or a requested port is
                taken.
            FileNotFoundError: There is no `temporal` program.
        """
        if self._supervision is not None:
            return
        self._files.folder.mkdir(0o700, parents=True, exist_ok=True)
        try:
            await self._bring_up()
            if not self._has_ui_as_asked():
                logger.info("Temporal was started with other settings of its Web UI; it restarts")
                await self._end_process()
                self._record = None
                await self._bring_up()
        except BaseException:
            if self._child is not None:
                await self._end_process()  # It would run without supervision.
            raise
        self._supervision = asyncio.create_task(self._supervise(), name="temporal supervision")

    async def stop(self, *, leave_running: bool = False) -> None:
        """End the supervision; also end the server, unless `leave_running` is set."""
        if self._supervision is not None:
            self._supervision.cancel()
            await asyncio.gather(self._supervision, return_exceptions=True)
            self._supervision = None
        if not leave_running:
            await self._end_process()

    async def _supervise(self) -> None:
        first, longest = self._backoff
        pause = first
        while True:
            await _until(lambda: not self._is_alive(), self._watch_interval)
            logger.warning("Temporal (pid %d) ended; starting it again", self.pid)
            await asyncio.sleep(pause)
            try:
                await self._bring_up()
                pause = first
            except (TemporalUnavailableError, OSError):
                logger.exception("Temporal did not start; trying again")
                pause = min(2 * pause, longest)

    async def _bring_up(self) -> None:
        """Start the data folder's server or adopt the running one, and wait until it is ready.

        The lock of the data folder decides which of the two is done.
        """
        try:
            async with asyncio.timeout(self._start_timeout):
                await _until(
                    lambda: self._start_unless_running() or self._adopt(), self._watch_interval
                )
                await self._until_ready()
        except TimeoutError:
            raise TemporalUnavailableError(
                f"Temporal did not answer within {self._start_timeout:g} s; see {self._files.log}"
            ) from None

    def _start_unless_running(self) -> bool:
        lock = self._files.try_lock()
        if lock is None:
            return False
        try:
            port, ui_port = self._choose_ports()
            record = ServerRecord(port, ui_port, ui_path=self._ui_path or "")
            self._files.write_record(record)
            self._child = spawn(self._files, lock, record, ip=self._ip, namespace=self._namespace)
        finally:
            os.close(lock)
        self._remember(record, psutil.Process(self._child.pid))
        logger.info("Temporal started on %s, pid %d", self.address, self.pid)
        return True

    def _adopt(self) -> bool:
        record = find_running(self._files)
        if record is None:
            return False  # Another manager is about to start the server, or the server is ending.
        self._child = None
        try:
            self._remember(record, psutil.Process(record.pid))
        except psutil.NoSuchProcess:
            return False
        logger.info("Temporal adopted on %s, pid %d", self.address, self.pid)
        return True

    def _remember(self, record: ServerRecord, process: psutil.Process) -> None:
        self._process = process
        self._record = replace(record, pid=process.pid, started=process.create_time())
        self._files.write_record(self._record)

    def _has_ui_as_asked(self) -> bool:
        has = self._started.ui_path if self._started.ui_port else None
        return has == self._ui_path

    def _choose_ports(self) -> Iterator[int]:
        """Yield the gRPC port and the UI port: requested ones, else the former, else free ones.

        The UI port is 0 without a UI. On a restart only the former ports will do, because the
        clients reconnect to them.
        """
        restarting = self._record is not None
        before = self._record or self._files.read_record()
        remembered = [before.port, before.ui_port or None] if before else [None, None]
        asked_ports = [self._asked_port] if self._ui_path is None else [self._asked_port, None]
        taken: list[int] = []
        for asked, had in zip(asked_ports, remembered, strict=False):
            port = asked or had
            if port is None or not is_free(self._ip, port):
                if asked or restarting:
                    raise TemporalUnavailableError(f"port {port}, for Temporal, is taken")
                port = free_port(self._ip, taken)
            taken.append(port)
            yield port
        if self._ui_path is None:
            yield 0

    async def _until_ready(self) -> None:
        while self._is_alive():
            try:
                # Try a plain connection first: many attempts are refused, and the SDK should not
                # make them.
                _, writer = await asyncio.open_connection(self._ip, self._started.port)
                writer.close()
                client = await Client.connect(self.address, namespace=self._namespace)
                return await settle_namespace(client, self._retention)
            except (OSError, RPCError, RuntimeError) as problem:
                logger.debug("Temporal is not ready: %s", problem)
            await asyncio.sleep(0.05)
        raise TemporalUnavailableError(f"Temporal ended while starting; see {self._files.log}")

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for end in (process.terminate, process.kill):
            with contextlib.suppress(psutil.NoSuchProcess):
                end()
            if await self._has_ended(process):
                return

    async def _has_ended(self, process: psutil.Process) -> bool:
        try:
            async with asyncio.timeout(self._stop_timeout):
                await _until(lambda: not self._lives(process), 0.02)
        except TimeoutError:
            return False
        return True

    def _is_alive(self) -> bool:
        return self._process is not None and self._lives(self._process)

    def _lives(self, process: psutil.Process) -> bool:
        if self._child is not None and self._child.pid == process.pid:
            return self._child.poll() is None  # This also reaps the child, so no zombie stays.
        return is_alive(process)

    @property
    def _started(self) -> ServerRecord:
        if self._record is None:
            raise RuntimeError("the embedded Temporal was not started")
        return self._record

    def _host_port(self, port: int) -> str:
        return f"[{self._ip}]:{port}" if ":" in self._ip else f"{self._ip}:{port}"


async def _until(condition: Callable[[], bool], every: float) -> None:
    while not condition():  # noqa: ASYNC110 - processes and locks raise no event to wait for
        await asyncio.sleep(every)
