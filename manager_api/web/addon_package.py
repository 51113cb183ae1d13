"""Makes the add-on's zip for a client, with the address by which the client found the manager."""

import hashlib
import io
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from manager_api.contract.errors import BadRequest, FarmError

FILES = Path(__file__).parents[1] / "addon_files"
#: The folder in the zip. The add-on reads the file with the manager's address in it.
_ROOT = "tablao"
_ADDRESS_FILE = f"{_ROOT}/manager_address.txt"
_AUTHORITY_FILE = f"{_ROOT}/manager_authority.pem"
_MANIFEST = f"{_ROOT}/blender_manifest.toml"
#: The earliest time that a zip can hold. A fixed time makes equal zips for equal addresses.
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
#: A name or an IP address, and perhaps a port.
_HOST = re.compile(
    r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)(:\d{1,5})?"
)
#: The fields of the manifest that a repository lists, besides those about the archive.
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
    """Return the manager's address as the client knows it, from the request's Host header.

    Raises:
        BadRequest: the header is empty or not an address.
    """
    if not _HOST.fullmatch(host):
        raise BadRequest("the Host header must be a name or an address of this manager")
    return f"{scheme}://{host}"


def zip_for(address: str, authority: Path | None, folder: Path = FILES) -> bytes:
    """Return the zip with the manager's address in it, and its authority's certificate. Blocks.

    Args:
        authority: the file of the farm's own authority; None if it has none.

    Raises:
        AddonNotBuilt: the add-on has not been built.
    """
    built = next(folder.glob("*.zip"), None)
    if built is None:
        raise AddonNotBuilt
    content = io.BytesIO(built.read_bytes())
    with zipfile.ZipFile(content, "a") as archive:
        _add(archive, _ADDRESS_FILE, f"{address}\n")
        if authority is not None:
            _add(archive, _AUTHORITY_FILE, authority.read_text(encoding="ascii"))
    return content.getvalue()


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    entry = zipfile.ZipInfo(name, _ALWAYS)
    entry.external_attr = _PLAIN_FILE
    archive.writestr(entry, text)


def listing_for(
    address: str, authority: Path | None, archive_path: str, folder: Path = FILES
) -> dict[str, Any]:
    """Return the listing of a repository for Blender 4.2 and later, with one extension. Blocks.

    Args:
        archive_path: the zip's path, to be appended to the address.

    Raises:
        AddonNotBuilt: the add-on has not been built.
    """
    content = zip_for(address, authority, folder)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = tomllib.loads(archive.read(_MANIFEST).decode())
    about = {key: manifest[key] for key in _TOLD}
    archive_url = {
        "archive_url": f"{address}{archive_path}",
        "archive_size": len(content),
        "archive_hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    return {"version": "v1", "blocklist": [], "data": [about | archive_url]}
