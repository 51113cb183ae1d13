"""Lists folders of the shared storage, for people who choose a path in it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from manager_api.contract.errors import BadRequest, Forbidden
from manager_api.contract.files import FileEntry, FileListing
from manager_api.files.storage import Entry, Listing, SharedStorage
from manager_api.settings.model import ManagerSettings
from manager_api.settings.platforms import managers_platform
from workflows.domain.variables import Variables


@dataclass(frozen=True, slots=True)
class Wanted:
    path: str = ""
    """The folder's path, which may contain variables; empty for the shared storage itself."""
    contains: str = ""
    """A text that the names of the entries contain."""
    hidden: bool = False
    nearest: bool = False
    """Whether to list another folder if this one cannot be listed."""


class FileService:
    def __init__(self, settings: ManagerSettings, variables: Variables) -> None:
        self._settings = settings
        self._variables = variables

    async def listing(self, wanted: Wanted) -> FileListing:
        """Return the entries of a folder.

        Raises:
            Forbidden: the path leads out of the shared storage.
            BadRequest: the path is not valid on this platform.
            NotFound: the folder does not exist, or cannot be read.
        """
        platform = managers_platform()
        path = self._variables.for_workers(platform, platform).text(wanted.path)
        return await asyncio.to_thread(self._listing, Path(path), wanted)

    def _listing(self, path: Path, wanted: Wanted) -> FileListing:
        storage = SharedStorage(self._settings.shared_storage_path)
        note = ""
        if wanted.nearest:
            path, note = _nearest(storage, path)
        listing = storage.listing(path, contains=wanted.contains, with_hidden=wanted.hidden)
        return FileListing(
            root=str(storage.root),
            folder=str(listing.folder),
            shown=self._with_variable(listing.folder),
            entries=[_answer(listing, entry) for entry in listing.entries],
            total=listing.total,
            hidden=listing.hidden,
            leading_out=listing.leading_out,
            note=note,
        )

    def _with_variable(self, folder: Path) -> str:
        folded = str(self._variables.fold({"path": str(folder)}, managers_platform())["path"])
        jobs = self._settings.jobs_path
        if folded != str(folder) or not folder.is_relative_to(jobs):
            return folded
        return str(Path("{jobs}") / folder.relative_to(jobs))


def _nearest(storage: SharedStorage, path: Path) -> tuple[Path, str]:
    """Return the folder to list instead, and the reason; no reason if the path does not exist."""
    try:
        return storage.nearest(path), ""
    except (Forbidden, BadRequest) as refusal:
        return storage.root, f"{refusal}."


def _answer(listing: Listing, entry: Entry) -> FileEntry:
    return FileEntry(
        name=entry.name,
        path=str(listing.folder / entry.name),
        is_folder=entry.is_folder,
        size=entry.size,
        modified=entry.modified,
    )
