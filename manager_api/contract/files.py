"""Our interface: the shared storage, for users who choose a path in it."""

from datetime import datetime

from manager_api.contract.base import Answer


class FileEntry(Answer):
    name: str
    path: str
    """The path on this manager's machine."""
    is_folder: bool
    size: int
    """In bytes; 0 for a folder."""
    modified: datetime


class FileListing(Answer):
    root: str
    """The shared storage. Folders above it are not shown."""
    folder: str
    """The listed folder: the requested one, or a folder above the requested path; see `note`."""
    shown: str
    """`folder`, written with a variable that has a value for each platform, if one fits."""
    entries: list[FileEntry]
    """The entries of the folder, folders first."""
    total: int
    """The number of entries, including those that are too many to be listed."""
    hidden: int
    """The number of entries left out because their names begin with a dot."""
    leading_out: int
    """The number of links left out because they lead out of the shared storage, or nowhere."""
    note: str
    """Why another folder than the requested one is listed, as a sentence; else empty."""
