"""The folder of all runs, with its tombstones and with the lock of a living host."""

import asyncio
import os
from pathlib import Path

from worker_host import processes
from worker_host.run_directory import RunDirectory
from workflows.domain.messages import RunKey

_LOCK = "host.lock"
_STOPPED = "stopped"
#: Shims hold the lock for a moment when they check that their host lives.
_LOCK_TRIES = 40
_LOCK_PAUSE_S = 0.025


class HostAlreadyRuns(Exception):
    """Another host process works in this folder."""


class RunsFolder:
    """The folder with the directories of all runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None

    async def lock(self) -> None:
        """Take the lock.

        Raises:
            HostAlreadyRuns: another host process has it.
        """
        (self._path / _STOPPED).mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(_LOCK_TRIES):
            if processes.try_lock(lock):
                self._lock = lock
                return
            await asyncio.sleep(_LOCK_PAUSE_S)
        os.close(lock)
        raise HostAlreadyRuns(f"Another worker host uses {self._path}")

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def directory(self, key: RunKey) -> RunDirectory:
        return RunDirectory(self._path / _name(key))

    def runs(self) -> list[RunDirectory]:
        """Return every run's directory, in the order of their names."""
        found = [path for path in self._path.iterdir() if _is_run_key(path.name)]
        return [RunDirectory(path) for path in sorted(found)]

    def tombstones(self) -> dict[RunKey, float]:
        """Return the runs that must not begin, with the time of their stop by the wall clock."""
        files = [path for path in (self._path / _STOPPED).iterdir() if _is_run_key(path.name)]
        return {RunKey.parse(path.name): path.stat().st_mtime for path in files}

    def keep_tombstone(self, key: RunKey, since: float) -> None:
        tombstone = self._path / _STOPPED / _name(key)
        tombstone.touch()
        os.utime(tombstone, (since, since))

    def drop_tombstone(self, key: RunKey) -> None:
        (self._path / _STOPPED / _name(key)).unlink(missing_ok=True)


def _name(key: RunKey) -> str:
    """Return the key as the name of a file.

    Raises:
        ValueError: the key is one that no manager can have made; as a name it may lead elsewhere.
    """
    key.check()
    return str(key)


def _is_run_key(name: str) -> bool:
    try:
        RunKey.parse(name)
    except ValueError:
        return False
    return True
