"""Installs the manager's version beside this one, when the manager orders it; tasks go on.

The new version begins on trial (`worker_host.version_start`). What fails before that is reported in
a sentence, leaves nothing behind, and this version goes on.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import psutil

from activities.connections.failures import why_it_failed
from activities.process.programs import running
from worker_host.disks import cause_of
from worker_host.processes.environment import without_own
from worker_host.versions_folder import VersionsFolder, folder_name, host_command
from workflows.domain.control import LONGEST_REASON, Upgrade, UpgradeReport, UpgradeState

#: What a version needs has about 200 MB; over a slow line that takes long.
INSTALL_WITHIN_S = 3600.0
#: What a program says of a failure is cut to so many characters.
_LONGEST_WORDS = 500
#: Where uv is, if a service's PATH does not lead to it.
_PLACES_OF_UV = (Path(sys.prefix) / "bin", Path.home() / ".local/bin", Path.home() / ".cargo/bin")

logger = logging.getLogger(__name__)

Fetch = Callable[[str, int], Awaitable[bytes]]
"""Returns what the manager has at a path, a little more than so many bytes at most; raises
`httpx.HTTPError` if the manager does not give it."""
Tell = Callable[[UpgradeReport], Awaitable[bool]]
"""Sends a report; returns whether it could be sent."""
Commands = Callable[[Path, Path], Sequence[Sequence[str]]]
"""Returns the commands that make an environment and install a wheel in it."""


class CannotUpgrade(Exception):
    """The version cannot be installed; the message is a sentence."""


class Upgrading:
    """
    Args:
        manager: its address, for the trial.
        begin_again: called when a version is to begin its trial; this process is to end then, and
            leave its runs alone.
    """

    def __init__(
        self,
        versions: VersionsFolder,
        manager: str,
        fetch: Fetch,
        tell: Tell,
        begin_again: Callable[[], None],
        commands: Commands | None = None,
    ) -> None:
        self._versions = versions
        self._manager = manager
        self._fetch = fetch
        self._tell = tell
        self._begin_again = begin_again
        self._commands = commands or installing
        self._is_busy = False
        self._folder_lock = asyncio.Lock()
        self._untold: UpgradeReport | None = None
        """The newest report, if it could not be sent."""
        self._is_tidy = False

    async def carry_out(self, order: Upgrade) -> None:
        """Install a version, and begin it. An order is ignored while one is carried out."""
        if self._is_busy:
            logger.info("an upgrade is under way, so an order to upgrade is ignored")
            return
        self._is_busy = True
        try:
            async with self._folder_lock:
                await self._install(order)
        except (CannotUpgrade, httpx.HTTPError, OSError) as problem:
            reason = _sentence(problem, self._versions.path)
            logger.warning("the upgrade to %s failed: %s", order.version, reason)
            await self._report(UpgradeReport(order.version, UpgradeState.FAILED, reason))
        else:
            self._begin_again()
        finally:
            await asyncio.to_thread(shutil.rmtree, self._versions.aside, ignore_errors=True)
            self._is_busy = False

    async def welcomed(self) -> None:
        """Say what was not said yet, as the farm listens. At first, remove old versions, too."""
        if self._untold is not None:
            await self._report(self._untold)
        async with self._folder_lock:
            await self._tell_of_trial()
            if not self._is_tidy:
                self._is_tidy = True
                await asyncio.to_thread(self._versions.tidy, _is_in_use)

    async def _tell_of_trial(self) -> None:
        chosen = await asyncio.to_thread(self._versions.chosen)
        if chosen.failed:
            reason = chosen.reason[:LONGEST_REASON]
            if await self._tell(UpgradeReport(chosen.failed, UpgradeState.FAILED, reason)):
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(
                        self._versions.choose, replace(chosen, failed="", reason="")
                    )

    async def _report(self, report: UpgradeReport) -> None:
        self._untold = report
        if await self._tell(report) and self._untold is report:
            self._untold = None

    async def _install(self, order: Upgrade) -> None:
        """
        Raises:
            CannotUpgrade, httpx.HTTPError, OSError: the version is not installed.
        """
        folder = folder_name(order.version, order.sha256)
        if not self._versions.is_complete(folder):
            await self._report(UpgradeReport(order.version, UpgradeState.FETCHING))
            wheel = await self._fetch(order.path, order.size)
            if len(wheel) != order.size or hashlib.sha256(wheel).hexdigest() != order.sha256:
                raise CannotUpgrade(
                    "What the manager has sent is not the wheel that it has named: its size or its "
                    "digest is another."
                )
            await self._report(UpgradeReport(order.version, UpgradeState.INSTALLING))
            await self._make(folder, order, wheel)
        chosen = await asyncio.to_thread(self._versions.chosen)
        trial = replace(chosen, trial=folder, tries=0, manager=self._manager, failed="", reason="")
        try:
            await asyncio.to_thread(self._versions.choose, trial)
        except OSError:
            path = self._versions.path / folder
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
            raise

    async def _make(self, folder: str, order: Upgrade, wheel: bytes) -> None:
        """Make a version's environment; it gets its name when all of it is there.

        Raises:
            CannotUpgrade, OSError: it cannot be made.
        """
        aside = self._versions.aside
        environment, file = aside / "environment", aside / Path(order.path).name
        await asyncio.to_thread(_put_aside, file, wheel)
        for command in self._commands(environment, file):
            await _output_of(command, aside)
        asked = host_command(environment / "bin" / "python", ["--version"])
        said = (await _output_of(asked, aside)).strip()
        if said != f"tablao-worker {order.version}":
            raise CannotUpgrade(
                f"The wheel was to have version {order.version}, and says: {_shown(said)}"
            )
        await asyncio.to_thread(environment.rename, self._versions.path / folder)


def installing(environment: Path, wheel: Path) -> list[list[str]]:
    """Return the commands that install a wheel, with what it needs, in a new environment.

    They are to run in the wheel's folder: the installers read a whole path as a requirement, in
    which a semicolon or a hash has a meaning.
    """
    named = os.path.join(os.curdir, wheel.name)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, _PLACES_OF_UV)])
    into = str(environment / "bin" / "python")
    if uv := shutil.which("uv", path=path):
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(environment)],
            [uv, "pip", "install", "--quiet", "--python", into, named],
        ]
    pip = [into, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    return [
        [sys.executable, "-m", "venv", str(environment)],
        [*pip, "install", named],
    ]


async def _output_of(command: Sequence[str], folder: Path) -> str:
    """Run a program; return its output, errors included.

    Raises:
        CannotUpgrade: it failed, or took too long.
        OSError: it cannot be started.
    """
    starting = running(
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=folder,
        env=without_own(os.environ),
    )
    async with starting as process:
        try:
            async with asyncio.timeout(INSTALL_WITHIN_S):
                output, _ = await process.communicate()
        except TimeoutError:
            took = f"took longer than {INSTALL_WITHIN_S / 60:.0f} minutes"
            raise CannotUpgrade(f"{_words_for(command)} {took}.") from None
    text = output.decode(errors="replace")
    if process.returncode != 0:
        raise CannotUpgrade(f"{_words_for(command)} failed: {_why(text)}")
    return text


def _words_for(command: Sequence[str]) -> str:
    is_environment = "venv" in command
    return "Making an environment" if is_environment else "Installing the wheel"


def _why(output: str) -> str:
    if "ensurepip is not available" in output or "No module named venv" in output:
        return (
            "this machine's Python has no module venv. Install it (on Debian the package "
            "python3-venv), or install uv."
        )
    return _shown(output) or "it said nothing"


def _shown(output: str) -> str:
    """Return the end of a program's output in one line."""
    line = " ".join("".join(each if each.isprintable() else " " for each in output).split())
    return line if len(line) <= _LONGEST_WORDS else f"…{line[-_LONGEST_WORDS:]}"


def _sentence(problem: CannotUpgrade | httpx.HTTPError | OSError, folder: Path) -> str:
    match problem:
        case httpx.HTTPStatusError():
            return f"The manager answered {problem.response.status_code} when asked for the wheel."
        case httpx.HTTPError():
            return f"The wheel cannot be fetched: {why_it_failed(problem)}."
        case OSError():
            cause = cause_of(problem, str(folder))
            words = problem.strerror or "the system refused it"
            return f"It cannot be installed: {words}." if cause is None else cause.reason()
        case _:
            return str(problem)[:LONGEST_REASON]


def _put_aside(file: Path, content: bytes) -> None:
    shutil.rmtree(file.parent, ignore_errors=True)
    file.parent.mkdir(mode=0o700, parents=True)
    file.write_bytes(content)


def _is_in_use(folder: Path) -> bool:
    """Return whether a process runs from a folder, such as one that still executes a run."""
    return any(word.startswith(f"{folder}{os.sep}") for words in _command_lines() for word in words)


def _command_lines() -> Iterator[list[str]]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield process.cmdline()
