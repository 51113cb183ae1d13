"""The file in the shared storage by which a host sees that the storage is there.

If a storage is unmounted, its empty mount point stays, and frames would go to the local disk.
"""

import re
from dataclasses import dataclass

NAME = ".tablao-storage"
#: As many bytes of it are read.
LONGEST = 100
_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class SharedStorage:
    path: str = ""
    """On the machine of the host; empty: there is no storage that could be looked at."""
    id: str = ""
    """What the marker says; another storage at the same path has another id."""


def id_in(content: bytes) -> str:
    """Return the id in a marker's content; empty if it is no marker."""
    text = content[:LONGEST].decode("ascii", "replace").strip()
    return text if _ID.fullmatch(text) else ""
