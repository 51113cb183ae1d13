"""Where Shaman keeps its files in the shared storage. Permanent files are where Flamenco's are."""

import re
from dataclasses import dataclass
from pathlib import Path

from workflows.domain.shaman import BUILDING, Blob

_BLOB = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})/(\d{1,19})\.blob", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layout:
    storage: Path

    @property
    def stored(self) -> Path:
        return self.storage / "file-store" / "stored"

    @property
    def uploading(self) -> Path:
        return self.storage / "file-store" / "uploading"

    @property
    def leaving(self) -> Path:
        """Blobs that are about to be deleted; on the same disk as the stored ones."""
        return self.storage / "file-store" / "leaving"

    @property
    def jobs(self) -> Path:
        """The checkouts."""
        return self.storage / "jobs"

    @property
    def building(self) -> Path:
        """Checkouts that are being built or erased; on the same disk as the complete ones."""
        return self.jobs / BUILDING

    @property
    def register(self) -> Path:
        """Which folders in `jobs` are checkouts."""
        return self.storage / "file-store" / "checkouts"

    def blob(self, blob: Blob) -> Path:
        return self.stored / blob.sha[:2] / blob.sha[2:] / f"{blob.size}.blob"

    def upload(self, blob: Blob, random: str) -> Path:
        return self.uploading / f"{blob.sha}-{blob.size}-{random}.tmp"


def blob_at(path: str) -> Blob | None:
    """Return the blob that the path, or the target of a link, names."""
    found = _BLOB.fullmatch("/".join(path.replace("\\", "/").split("/")[-3:]))
    return Blob(found[1] + found[2], int(found[3])) if found else None
