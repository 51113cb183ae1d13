"""The add-on's zip as a caller gets it: knowing the address by which the caller found us."""

import hashlib
import io
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from manager_api.contract.errors import BadRequest, FarmError

FILES = Path(__file__).parents[1] / "addon_files"
#: The folder in the zip, and the file in it that the add-on looks for.
_ROOT = "tablao"
_ADDRESS_FILE = f"{_ROOT}/manager_address.txt"
_MANIFEST = f"{_ROOT}/blender_manifest.toml"
#: The earliest that a zip can say: the same address gives the same bytes.
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
#: A name or an IP address, and a port: whatever else stands there is no address of ours.
_HOST = re.compile(
    r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)(:\d{1,5})?"
)
#: What a repository tells of an extension beside its archive.
_TOLD = (
    "schema_version",
    "id",
    "name",
    "tagline",
    "version",
    "type",
    "maintainer",
    "license",
    "tags",
    "permissions",
    "blender_version_min",
)


class AddonNotBuilt(FarmError):
    http_status = 503

    def __init__(self) -> None:
        super().__init__(
            "the add-on has not been built: `make addon` does it in a checkout, "
            "an installed package brings it along"
        )


def address_of(scheme: str, host: str) -> str:
    """As the caller typed it, from the request's Host header.

    Raises:
        BadRequest: that header is none, or no address.
    """
    if not _HOST.fullmatch(host):
        raise BadRequest("the Host header is no name or address of this manager")
    return f"{scheme}://{host}"


def zip_for(address: str, folder: Path = FILES) -> bytes:
    """Blocks.

    Raises:
        AddonNotBuilt: there is none.
    """
    built = next(folder.glob("*.zip"), None)
    if built is None:
        raise AddonNotBuilt
    content = io.BytesIO(built.read_bytes())
    with zipfile.ZipFile(content, "a") as archive:
        entry = zipfile.ZipInfo(_ADDRESS_FILE, _ALWAYS)
        entry.external_attr = _PLAIN_FILE
        archive.writestr(entry, f"{address}\n")
    return content.getvalue()


def listing_for(address: str, archive_path: str, folder: Path = FILES) -> dict[str, Any]:
    """What a repository of Blender 4.2 and later says: one extension. Blocks.

    Args:
        archive_path: where the zip is, from the address on.

    Raises:
        AddonNotBuilt: there is none.
    """
    content = zip_for(address, folder)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = tomllib.loads(archive.read(_MANIFEST).decode())
    about = {key: manifest[key] for key in _TOLD}
    archive_url = {
        "archive_url": f"{address}{archive_path}",
        "archive_size": len(content),
        "archive_hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    return {"version": "v1", "blocklist": [], "data": [about | archive_url]}
