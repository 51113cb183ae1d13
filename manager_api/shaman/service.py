"""Shaman's interface to the other rooms: asynchronous, on the storage that is in force."""

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
from manager_api.shaman.errors import ShamanDisabled, StorageFailed, failed
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

#: Flamenco waits as long before its first collection.
FIRST_COLLECTION_S = 30.0
#: How soon a changed period is noticed.
_LOOK_EVERY_S = 60.0
#: Blocking calls that run at once; further calls wait. More would not make a disk faster.
_UPLOAD_THREADS = 4
_CHECKOUT_THREADS = 2
#: How long a client that can wait is held while another client sends the same file. Flamenco
#: tells it at once to come back later, which the newest add-on does not understand.
WAIT_S = 10.0
#: Errors for which the path, not the disk, is at fault.
_BAD_PATH = frozenset({errno.ENAMETOOLONG, errno.EILSEQ})


class Received(StrEnum):
    """The result of an upload."""

    STORED = "stored"
    ALREADY_STORED = "already stored"
    SENT_BY_ANOTHER = "sent by another"
    """The sender can wait, and another client is sending the same file."""


class Shaman:
    def __init__(self, settings: Callable[[], ManagerSettings]) -> None:
        """
        Args:
            settings: returns the settings in force; called at each use.
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
        """Return which files are missing, each once, in order. Stored ones count as new again."""
        wanted = list(dict.fromkeys(blobs))
        return await self._on_disk(self._uploads, self._statuses, self._store, wanted)

    async def receive(
        self, blob: Blob, content: AsyncIterable[bytes], *, may_wait: bool
    ) -> Received:
        """Store a file that is being sent; stop reading if it becomes stored meanwhile.

        Args:
            blob: the announced checksum and size.
            content: only small pieces of it are in memory at once.
            may_wait: the sender can send other files first.

        Raises:
            UploadMismatch: the file is not the announced one.
            UploadStalled: nothing was received for too long.
            StorageFailed: the disk failed.
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
            # Shielded: nothing may remain if the client disconnects or the manager stops.
            await asyncio.shield(self._on_disk(self._uploads, upload.discard))

    async def check_out(self, asked: str, files: Iterable[tuple[str, Blob]]) -> str:
        """Make a checkout; return its path below the folder of the jobs.

        Args:
            files: read in a thread, because there may be many.

        Raises:
            BadRequest: a path is not allowed.
            FilesMissing: not all files are stored.
            CheckoutConflict: the path is taken.
            StorageFailed: the disk failed.
        """
        try:
            path, by_path = checkout_path(asked), await asyncio.to_thread(files_by_path, files)
        except NotAllowed as refusal:
            raise BadRequest(str(refusal)) from refusal
        as_links = self._settings().shaman.checkout == "links"
        return await self._on_disk(
            self._checkouts, create_checkout, self._store, path, by_path, as_links=as_links
        )

    async def collect_garbage(self, *, is_trial: bool = False) -> Collection:
        """Raises:
        StorageFailed: a folder cannot be read.
        """
        max_age: timedelta = self._settings().shaman.garbage_collect.max_age
        async with self._one_collection:
            try:
                found = await asyncio.to_thread(
                    collect, self._store, max_age, is_trial=is_trial, is_over=self._is_over.is_set
                )
            except OSError as error:
                raise failed(error) from error
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
                # Another client was faster, so the rest need not be sent.
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
            raise failed(error) from error

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
