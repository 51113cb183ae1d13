"""Our interface: the shared storage, for people who choose a path in it."""

from datetime import datetime

from manager_api.contract.base import Answer


class FileEntry(Answer):
    name: str
    path: str
    """As this manager calls it."""
    is_folder: bool
    size: int
    """In bytes; 0 of a folder."""
    modified: datetime


class FileListing(Answer):
    root: str
    """The shared storage: nothing above it is shown."""
    folder: str
    """What is listed: what was asked for, or the folder it is in; see `note`."""
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
    note: str
    """Why another folder is listed than was asked for, as a sentence; else empty."""
