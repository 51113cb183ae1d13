"""Shaman as the manager's other parts see it: asynchronous, on the storage of the moment."""

import asyncio
import contextlib
import errno
import logging
import threading
import time
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import StrEnum
from typing import ParamSpec, TypeVar

from manager_api.contract.errors import BadRequest
from manager_api.settings.model import ManagerSettings
from manager_api.shaman.checkouts import create_checkout
from manager_api.shaman.errors import ShamanDisabled, StorageFailed
from manager_api.shaman.file_store import FileStore, Upload
from manager_api.shaman.garbage import Collection, collect
from manager_api.shaman.guard import Guard
from manager_api.shaman.layout import Layout
from manager_api.shaman.receiving import received
from manager_api.shaman.sendings import Sendings
from workflows.domain.shaman import Blob, FileStatus, NotAllowed, checkout_path, files_by_path

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

#: As long as Flamenco waits; a manager that just started has other things to do.
FIRST_COLLECTION_S = 30.0
#: How soon a changed period is noticed.
_LOOK_EVERY_S = 60.0
#: At once, each; what more come wait. Disks are not faster for more.
_UPLOAD_THREADS = 4
_CHECKOUT_THREADS = 2
#: How long a client that may wait is kept waiting for another that sends the same file. Flamenco
#: tells it to come back later at once, which the newest add-on does not understand.
WAIT_S = 10.0
#: The path, not the disk, is at fault.
_BAD_PATH = frozenset({errno.ENAMETOOLONG, errno.EILSEQ})


class Received(StrEnum):
    """What became of a file that was sent."""

    STORED = "stored"
    ALREADY_STORED = "already stored"
    SENT_BY_ANOTHER = "sent by another"
    """Who sends may wait, and somebody else is sending the same."""


class Shaman:
    def __init__(self, settings: Callable[[], ManagerSettings]) -> None:
        """
        Args:
            settings: those in force; asked each time.
        """
        self._settings = settings
        self._guard = Guard()
        self._sendings = Sendings()
        self._uploads = ThreadPoolExecutor(_UPLOAD_THREADS, thread_name_prefix="shaman upload")
        self._checkouts = ThreadPoolExecutor(
            _CHECKOUT_THREADS, thread_name_prefix="shaman checkout"
        )
        self._one_collection = asyncio.Lock()
        self._is_over = threading.Event()

    async def run(self, first_collection_s: float = FIRST_COLLECTION_S) -> None:
        """Collects garbage regularly, until canceled; then nothing can be asked for any more."""
        try:
            await self._collect_regularly(first_collection_s)
        finally:
            self._is_over.set()
            for pool in (self._uploads, self._checkouts):
                await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    def check_enabled(self) -> None:
        """Raises:
        ShamanDisabled: by the settings.
        """
        if not self._settings().shaman.enabled:
            raise ShamanDisabled

    async def statuses(self, blobs: Iterable[Blob]) -> Mapping[Blob, FileStatus]:
        """Each of them once, in order. What is stored stays for as long as new files do."""
        wanted = list(dict.fromkeys(blobs))
        return await self._on_disk(self._uploads, self._statuses, self._store, wanted)

    async def receive(
        self, blob: Blob, content: AsyncIterable[bytes], *, may_wait: bool
    ) -> Received:
        """Stores a file that is being sent; stops reading when that is no longer needed.

        Args:
            blob: what it is said to be.
            content: read in memory in small pieces only.
            may_wait: whoever sends can do other things first.

        Raises:
            UploadMismatch: it is something else.
            UploadStalled: nothing came for too long.
            StorageFailed: the disk does not let us.
        """
        store = self._store
        if await self._on_disk(self._uploads, store.touch, blob):
            return Received.ALREADY_STORED
        if may_wait and self._sendings.is_under_way(blob):
            await self._sendings.until_over(blob, WAIT_S)
            if await self._on_disk(self._uploads, store.touch, blob):
                return Received.ALREADY_STORED
            if self._sendings.is_under_way(blob):
                return Received.SENT_BY_ANOTHER
        upload = Upload(store, blob)
        try:
            with self._sendings.begun(blob), self._guard.unfinished(upload.name):
                return await self._store_content(store, blob, upload, content)
        finally:
            # Shielded: also of a client that is gone or a manager that stops nothing must stay.
            await asyncio.shield(self._on_disk(self._uploads, upload.discard))

    async def check_out(self, asked: str, files: Sequence[tuple[str, Blob]]) -> str:
        """The path of the new checkout, below the jobs' folder.

        Raises:
            BadRequest: a path that must not be.
            FilesMissing: not all files are stored.
            CheckoutConflict: something is in the way.
            StorageFailed: the disk does not let us.
        """
        try:
            path, by_path = checkout_path(asked), files_by_path(files)
        except NotAllowed as refusal:
            raise BadRequest(str(refusal)) from refusal
        as_links = self._settings().shaman.checkout == "links"
        return await self._on_disk(
            self._checkouts, create_checkout, self._store, path, by_path, as_links=as_links
        )

    async def collect_garbage(self, *, is_trial: bool = False) -> Collection:
        """Raises:
        StorageFailed: the disk does not let us look everywhere.
        """
        max_age: timedelta = self._settings().shaman.garbage_collect.max_age
        async with self._one_collection:
            try:
                found = await asyncio.to_thread(
                    collect, self._store, max_age, is_trial=is_trial, is_over=self._is_over.is_set
                )
            except OSError as error:
                raise StorageFailed(error) from error
        if found.deleted_files and not is_trial:
            logger.info(
                "garbage collected",
                extra={"files": found.deleted_files, "bytes": found.deleted_bytes},
            )
        return found

    @property
    def _layout(self) -> Layout:
        return Layout(self._settings().shared_storage_path)

    @property
    def _store(self) -> FileStore:
        return FileStore(self._layout, self._guard)

    def _statuses(self, store: FileStore, blobs: Sequence[Blob]) -> Mapping[Blob, FileStatus]:
        def status(blob: Blob) -> FileStatus:
            if store.touch(blob):
                return FileStatus.STORED
            return FileStatus.UPLOADING if self._sendings.is_under_way(blob) else FileStatus.UNKNOWN

        return {blob: status(blob) for blob in blobs}

    async def _store_content(
        self, store: FileStore, blob: Blob, upload: Upload, content: AsyncIterable[bytes]
    ) -> Received:
        block = b""
        async for block, is_last in received(content):
            if is_last:
                break
            await self._on_disk(self._uploads, upload.add, block)
            if self._sendings.has_arrived(blob):
                # Another client was faster: the rest need not be sent.
                return Received.ALREADY_STORED
        is_new = await self._on_disk(self._uploads, upload.finish, block)
        self._sendings.arrived(blob)
        return Received.STORED if is_new else Received.ALREADY_STORED

    async def _on_disk(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[P, T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(
                pool, lambda: work(*arguments, **named)
            )
        except OSError as error:
            if error.errno in _BAD_PATH:
                raise BadRequest(f"the shared storage cannot have such a path: {error}") from error
            logger.error("shared storage failed", extra={"reason": str(error)})
            raise StorageFailed(error) from error

    async def _collect_regularly(self, first_s: float) -> None:
        await asyncio.sleep(first_s)
        last: float | None = None
        while True:
            section = self._settings().shaman
            period_s = section.garbage_collect.period.total_seconds()
            is_due = last is None or time.monotonic() - last >= period_s
            if section.enabled and period_s and is_due:
                last = time.monotonic()
                with contextlib.suppress(StorageFailed):
                    await self._collect_or_complain()
            await asyncio.sleep(min(period_s or _LOOK_EVERY_S, _LOOK_EVERY_S))

    async def _collect_or_complain(self) -> None:
        try:
            await self.collect_garbage()
        except StorageFailed as failure:
            logger.error("garbage cannot be collected", extra={"reason": str(failure)})
