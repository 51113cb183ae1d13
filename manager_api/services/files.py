"""The shared storage, for people who choose a path in it."""

import asyncio
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from manager_api.platforms import managers_platform
from manager_api.settings import ManagerSettings
from manager_api.shared_storage import Entry, Listing, SharedStorage
from workflows.domain.variables import Variables


class FileEntry(BaseModel):
    name: str
    path: str
    """As this manager calls it."""
    is_folder: bool
    size: int
    """In bytes; 0 of a folder."""
    modified: datetime


class FileListing(BaseModel):
    root: str
    """The shared storage: nothing above it is shown."""
    folder: str
    """What is listed: what was asked for, the folder it is in, or the nearest that exists."""
    shown: str
    """The same, with the variable that every platform has its own value for, where there is one."""
    entries: list[FileEntry]
    """Folders first."""
    total: int
    """With those that are too many to be listed."""
    hidden: int
    """Left out because their names begin with a dot."""
    leading_out: int
    """Left out because they are links that lead out of the shared storage, or nowhere."""


class FileService:
    def __init__(self, settings: ManagerSettings, variables: Variables) -> None:
        self._settings = settings
        self._variables = variables

    async def listing(self, path: str, contains: str, with_hidden: bool) -> FileListing:
        """
        Args:
            path: with variables or without; empty is the shared storage itself.

        Raises:
            Forbidden: it leads out of the shared storage.
            BadRequest, NotFound: it is none, or cannot be read.
        """
        platform = managers_platform()
        wanted = self._variables.for_workers(platform, platform).text(path)
        return await asyncio.to_thread(self._listing, Path(wanted), contains, with_hidden)

    def _listing(self, path: Path, contains: str, with_hidden: bool) -> FileListing:
        storage = SharedStorage(self._settings.shared_storage_path)
        listing = storage.listing(path, contains=contains, with_hidden=with_hidden)
        return FileListing(
            root=str(storage.root),
            folder=str(listing.folder),
            shown=self._with_variable(listing.folder),
            entries=[_answer(listing, entry) for entry in listing.entries],
            total=listing.total,
            hidden=listing.hidden,
            leading_out=listing.leading_out,
        )

    def _with_variable(self, folder: Path) -> str:
        folded = str(self._variables.fold({"path": str(folder)}, managers_platform())["path"])
        jobs = self._settings.jobs_path
        if folded != str(folder) or not folder.is_relative_to(jobs):
            return folded
        return str(Path("{jobs}") / folder.relative_to(jobs))


def _answer(listing: Listing, entry: Entry) -> FileEntry:
    return FileEntry(
        name=entry.name,
        path=str(listing.folder / entry.name),
        is_folder=entry.is_folder,
        size=entry.size,
        modified=entry.modified,
    )
