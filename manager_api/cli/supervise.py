"""Runs a farm on this machine: keeps a manager and worker hosts running as child processes."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from activities.services.exit_codes import RESTART_ORDERED
from manager_api.cli.client import Manager, ManagerUnreachable, Refused
from manager_api.cli.console import CommandError, note
from manager_api.cli.log_rotation import rotate_if_large
from manager_api.cli.stop_signals import signals_held
from manager_api.settings.data_dir_lock import DataDirInUse, User, data_dir_locked
from manager_api.settings.model import WORKERS

#: In this time the manager stops its Temporal, and a host its runs.
STOP_GRACE_S = 30.0
#: A new farm takes longest to start, because it creates its databases.
READY_WITHIN_S = 120.0
#: The variable from which a host takes its join token.
JOIN_TOKEN = "TABLAO_JOIN_TOKEN"
_LOOK_EVERY_S = 0.5
#: The pause after a log could not be rotated, as on a full disk.
_ROTATION_PAUSE_S = 30.0
_LONGEST_PAUSE_S = 30.0


class Child:
    """A program that is started again when it ends by itself.

    Args:
        ends_with: The exit code of an end that was requested elsewhere. After it the program is
            not started again; None: it is always started again.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        ends_with: int | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._argv = argv
        self._ends_with = ends_with
        self._is_over = False
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._pause_s = 1.0
        self._rotate_at = 0.0

    def start(self) -> None:
        """
        Raises:
            OSError: it cannot be started now, for example because the disk is full.
        """
        self._started_at = time.monotonic()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
                # Only this process gets Ctrl-C; it ends its children in the right order.
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def rotate_log(self) -> None:
        if time.monotonic() < self._rotate_at:
            return
        try:
            rotate_if_large(self.log)
        except OSError as problem:
            self._rotate_at = time.monotonic() + _ROTATION_PAUSE_S
            _tell(f"{self.log} cannot be rotated now: {problem}")

    def restart_if_ended(self) -> None:
        """Start the program again after a pause, if it has ended by itself."""
        if self._is_over or self.exit_code is None:
            return
        if self.exit_code == self._ends_with:
            self._is_over = True
            _tell(f"{self.name} has ended, as it was asked to.")
            return
        lived_s = time.monotonic() - self._started_at
        if lived_s < self._pause_s:
            return
        _tell(f"{self.name} ended (exit code {self.exit_code}); starting it again. See {self.log}.")
        # A program that ends again and again gets longer and longer pauses.
        crashed_soon = lived_s < 2 * _LONGEST_PAUSE_S
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S) if crashed_soon else 1.0
        try:
            self.start()
        except OSError as problem:
            _tell(f"{self.name} cannot be started now: {problem}")

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait_until_stopped(self, within_s: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            _tell(f"{self.name} did not stop within {within_s:g} s and is killed.")
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def last_words(self, lines: int = 15) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


class Farm:
    """A farm that runs while its context is active.

    Args:
        data_dir: The manager's data folder, which also holds the hosts' folders and the logs.
        url: The URL at which the manager will answer.
        manager_options: Options of `tablao manager`.
        environment: Variables that are added to the hosts' environment.
        join_token: Returns a join token for so many hosts of this farm, once its manager answers;
            None: hosts need none.
    """

    def __init__(
        self,
        data_dir: Path,
        url: str,
        *,
        manager_options: Sequence[str],
        workers: int,
        environment: Mapping[str, str] | None = None,
        join_token: "Callable[[Farm, int], str] | None" = None,
        pin: str = "",
        ready_within_s: float = READY_WITHIN_S,
    ) -> None:
        self.url = url
        self.pin = pin
        """Of the manager's certificate, if it serves TLS; empty if it does not."""
        self.logs = data_dir / "logs"
        self.data_dir = data_dir
        self._lock = contextlib.ExitStack()
        self._ready_within_s = ready_within_s
        program = [sys.executable, "-m", "manager_api.cli.main", "manager"]
        self._manager = Child(
            "The manager", [*program, *manager_options], self.logs / "manager.log", {}
        )
        self._host_environment = dict(environment or {})
        self._join_token = join_token
        self._hosts = [
            self._host(data_dir, url, number, self._host_environment)
            for number in range(1, workers + 1)
        ]
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._keep_running, name="supervisor", daemon=True)

    def _host(self, data_dir: Path, url: str, number: int, environment: Mapping[str, str]) -> Child:
        name = f"{socket.gethostname()}-{number}"
        argv = host_command(url, data_dir / WORKERS / str(number), name, self.pin)
        argv += ["--restart-exit-code", str(RESTART_ORDERED)]
        log = self.logs / f"worker-{number}.log"
        return Child(f"Worker {name}", argv, log, environment, ends_with=0)

    def __enter__(self) -> Self:
        try:
            self._lock.enter_context(data_dir_locked(self.data_dir, User.FARM))
        except DataDirInUse as refusal:
            raise CommandError(str(refusal)) from refusal
        try:
            self._start(self._manager)
            self._wait_until_ready()
            # Hosts make it otherwise, open to other users. If the disk is full, they are not made.
            with contextlib.suppress(OSError):
                (self.data_dir / WORKERS).mkdir(0o700, exist_ok=True)
            if self._join_token is not None and self._hosts:
                self._host_environment[JOIN_TOKEN] = self._join_token(self, len(self._hosts))
            self._start(*self._hosts)
            self._watch.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self, *children: Child) -> None:
        for child in children:
            try:
                # A signal during a start could leave a process that the child does not know.
                with signals_held():
                    child.start()
            except OSError as problem:
                raise CommandError(f"{child.name} cannot be started: {problem}") from problem

    def _keep_running(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            for child in (self._manager, *self._hosts):
                child.rotate_log()
                child.restart_if_ended()

    def _wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + self._ready_within_s
        while not _answers(self.url, self.pin):
            if self._manager.exit_code is not None:
                words = self._manager.last_words()
                raise CommandError(f"The manager ended while it started:\n{words}")
            if time.monotonic() > give_up_at:
                raise CommandError(
                    f"The manager did not answer within {self._ready_within_s:g} s. "
                    f"See {self._manager.log}."
                )
            time.sleep(0.2)

    def _stop(self) -> None:
        # A signal must not leave children running. They are killed after the grace anyway.
        with signals_held(), self._lock:
            self._stopping.set()
            if self._watch.is_alive():
                self._watch.join()
            for host in self._hosts:
                host.ask_to_stop()
            for host in self._hosts:
                host.wait_until_stopped(STOP_GRACE_S)
            self._manager.ask_to_stop()
            self._manager.wait_until_stopped(STOP_GRACE_S)


def host_command(
    url: str | None, data_dir: Path | None, name: str | None, pin: str | None = None
) -> list[str]:
    """Return the command line of a worker host. Without a URL the host searches for a manager."""
    command = [sys.executable, "-m", "worker_host.main"]
    if pin:
        command += ["--pin", pin]
    if url:
        command += ["--manager", url]
    if data_dir is not None:
        command += ["--data-dir", str(data_dir)]
    return [*command, "--name", name] if name else command


def _answers(url: str, pin: str) -> bool:
    try:
        with Manager(url, timeout_s=5, pin=pin) as manager:
            manager.get("/api/v3/version")
    except (ManagerUnreachable, Refused):
        return False
    return True


def _tell(text: str) -> None:
    # The farm works on without its standard error, which may be a closed terminal or a full disk.
    with contextlib.suppress(OSError):
        note(text)


def is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """Return a port that is free now. If another program takes it meanwhile, the start fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
