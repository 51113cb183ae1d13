"""Uploads a pack by Shaman: sends only contents that the manager lacks, then creates a checkout."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.header import Header
from pathlib import Path, PurePosixPath
from typing import Any, cast

from ..answers import understood
from ..manager import Manager, ManagerError
from ..progress import Progress, never
from .checksums import Checksums, Hashed
from .errors import FilesError
from .names import safe_name
from .pack import Pack
from .sending import Sending
from .sources import stamp_of

_API = "/api/v3/shaman"
_MOST_ROUNDS = 50
_MOST_DEFERRED = 8
#: A manager sends nothing while it writes a large file to its disk or links thousands of files.
_SILENCE_S = 300.0
_STORED_NOW = (200, 204)
_STORED_BEFORE = 208
_SENT_BY_ANOTHER = 425
_NOT_AS_ANNOUNCED = 417
_FILES_MISSING = 424


@dataclass(frozen=True)
class _File:
    source: Path
    target: str
    hashed: Hashed

    @property
    def blob(self) -> tuple[str, int]:
        return self.hashed.sha, self.hashed.stamp.size

    def spec(self) -> dict[str, Any]:
        return {"sha": self.hashed.sha, "size": self.hashed.stamp.size, "path": self.target}


class ShamanUpload:
    def __init__(
        self,
        manager: Manager,
        checksums: Checksums,
        progress: Progress,
        is_canceled: Callable[[], bool],
    ) -> None:
        self._manager = manager.with_timeout(_SILENCE_S)
        self._checksums = checksums
        self._progress = progress
        self._is_canceled = is_canceled
        self._total = 0
        self._done = 0
        self._left_to_others: set[tuple[str, int]] = set()
        self._broken_off: set[tuple[str, int]] = set()
        """Files whose upload has broken off once."""

    def upload(self, pack: Pack, job_name: str) -> str:
        """Upload the pack, and return the checkout's path below the farm's folder of jobs.

        Raises:
            FilesError: a file cannot be read or changes, or the manager still lacks files.
            ManagerError: the manager is not reached, or refuses.
            Canceled: is_canceled() returned True. The manager's garbage collection will remove
                the uploaded files, which no job uses.
        """
        files = self._hashed(pack)
        specs = [file.spec() for file in files]
        self._total = self._done = 0
        for _ in range(_MOST_ROUNDS):
            if lacking := self._lacking(files, specs):
                self._send(lacking)
                continue
            checkout = self._check_out(specs, safe_name(job_name))
            if checkout:
                return checkout
        raise FilesError(
            f"After {_MOST_ROUNDS} attempts the manager still lacks files: submit again later"
        )

    def _hashed(self, pack: Pack) -> list[_File]:
        self._total = sum(stamp_of(file.source).size for file in pack.files)
        self._done = 0
        files = []
        for file in pack.files:
            step = f"Checking {file.source.name}"
            hashed = self._checksums.of(file.source, self._is_canceled, self._advance(step))
            files.append(_File(file.source, file.target, hashed))
        return files

    def _advance(self, step: str) -> Callable[[int], None]:
        def advance(size: int) -> None:
            self._done += size
            self._progress(step, min(self._done, self._total), self._total)

        return advance

    def _lacking(self, files: Sequence[_File], specs: list[dict[str, Any]]) -> list[_File]:
        """Return the files that the manager needs, in a good order for sending them."""
        by_blob = {file.blob: file for file in files}
        with understood(self._manager):
            told = self._manager.post(f"{_API}/checkout/requirements", {"files": specs})["files"]
            # Other artists of the same project may send the same files now; a random order makes
            # it likely that each sends others. Files that another client is sending come last.
            shuffled = random.sample(told, len(told))
            shuffled.sort(key=lambda spec: spec.get("status") == "uploading")
            return [by_blob[spec["sha"], spec["size"]] for spec in shuffled]

    def _send(self, queue: Sequence[_File]) -> None:
        self._total = max(self._total, self._done + sum(file.blob[1] for file in queue))
        for number, file in enumerate(queue, 1):
            # Leave a file to the client that is sending it: once, and while other files remain.
            can_wait = (
                number < len(queue)
                and len(self._left_to_others) < _MOST_DEFERRED
                and file.blob not in self._left_to_others
            )
            if not self._send_one(file, can_wait):
                self._left_to_others.add(file.blob)

    def _send_one(self, file: _File, can_wait: bool) -> bool:
        """Send a file.

        Returns:
            False: another client is sending it, or the connection broke, perhaps behind an early
                answer. The manager is then asked again whether it lacks the file.
        """
        before = self._done
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(file.blob[1]),
            "X-Shaman-Can-Defer-Upload": str(can_wait).lower(),
            "X-Shaman-Original-Filename": _header(file.target),
        }
        advance = self._advance(f"Sending {PurePosixPath(file.target).name}")
        accept = (*_STORED_NOW, _STORED_BEFORE, _SENT_BY_ANOTHER)
        with Sending(file.source, file.hashed.stamp, self._is_canceled, advance) as body:
            try:
                answer = self._manager.request(
                    "POST",
                    f"{_API}/files/{file.hashed.sha}/{file.blob[1]}",
                    body=cast(Any, body),
                    headers=headers,
                    accept=accept,
                )
            except ManagerError as error:
                is_broken = isinstance(error.__cause__, (BrokenPipeError, ConnectionResetError))
                if not is_broken or file.blob in self._broken_off:
                    raise _explained(error, file) from error
                self._broken_off.add(file.blob)
                self._done = before
                return False
        is_there = answer.status != _SENT_BY_ANOTHER
        self._done = before + (file.blob[1] if is_there else 0)
        return is_there

    def _check_out(self, specs: list[dict[str, Any]], name: str) -> str:
        """Create the checkout, and return its path; empty if the manager lacks files again."""
        self._progress("Putting the files together", self._total, self._total)
        asked = {"files": specs, "checkoutPath": name}
        # No cancel here: it would leave a checkout that belongs to no job.
        manager = self._manager.cancelable(never)
        try:
            with understood(manager):
                return str(manager.post(f"{_API}/checkout/create", asked)["checkoutPath"])
        except ManagerError as error:
            if error.status == _FILES_MISSING:
                return ""
            raise


def _explained(error: ManagerError, file: _File) -> Exception:
    if error.status == _NOT_AS_ANNOUNCED:
        return FilesError(
            f"{file.source} was changed while it was being sent: "
            "wait until it is written, and submit again"
        )
    return error


def _header(name: str) -> str:
    """Return a name as a header's ASCII text, encoded as in mail; for the manager's log."""
    return name if name.isascii() else Header(name, "utf-8", maxlinelen=0).encode(linesep="")
