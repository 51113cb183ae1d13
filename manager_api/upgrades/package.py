"""Makes the wheel of the version that this manager runs, for its workers.

An installed package leaves no wheel behind, but all that was in it: the wheel is put together again
from the installed files. A checkout gives its files in the same way.
"""

import asyncio
import base64
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

from manager_api.contract.errors import FarmError
from manager_api.version import VERSION
from workflows.domain import control

#: The folders in the wheel, as `pyproject.toml` names them.
FOLDERS = ("activities", "addon", "manager_api", "worker_host", "workflows")
_DISTRIBUTION = "tablao"
_ABOUT = ("METADATA", "WHEEL", "entry_points.txt", "licenses/LICENSE")
_BYTECODE = "__pycache__"
#: Its wheels are in the add-on's zip already.
_ADDONS_WHEELS = "addon/wheels/"
#: The earliest time that a zip can hold. A fixed time makes the same wheel of the same files.
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16


class PackageReplaced(FarmError):
    http_status = 503

    def __init__(self, there: str) -> None:
        super().__init__(
            f"version {there} is installed, but version {VERSION} still runs: restart the manager"
        )


class Wheel(NamedTuple):
    name: str
    content: bytes
    sha256: str
    """In hexadecimal."""


class ManagerPackage:
    """The wheel, made at its first use and kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wheel: Wheel | None = None

    def wheel(self) -> Wheel:
        """Return the wheel. Blocks, at first for about a second.

        Raises:
            PackageReplaced: another version was installed while this one runs.
        """
        with self._lock:
            if self._wheel is None:
                self._wheel = _made()
            return self._wheel

    async def upgrade_order(self) -> control.Upgrade:
        """Return the order to a host to install this wheel.

        Raises:
            PackageReplaced: another version was installed while this one runs.
        """
        wheel = await asyncio.to_thread(self.wheel)
        path = f"{control.WHEELS}{wheel.name}"
        return control.Upgrade(VERSION, path, len(wheel.content), wheel.sha256)


def _made() -> Wheel:
    installed = distribution(_DISTRIBUTION)
    if installed.version != VERSION:
        raise PackageReplaced(installed.version)
    about = f"{_DISTRIBUTION}-{VERSION}.dist-info"
    files = dict(_files(Path(__file__).parents[2]))
    for name in _ABOUT:
        files[f"{about}/{name}"] = (installed.read_text(name) or "").encode()
    files[f"{about}/RECORD"] = _record(files, f"{about}/RECORD")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _ALWAYS)
            entry.external_attr = _PLAIN_FILE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    whole = content.getvalue()
    name = f"{_DISTRIBUTION}-{VERSION}-py3-none-any.whl"
    return Wheel(name, whole, hashlib.sha256(whole).hexdigest())


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and _is_shipped(name):
                yield name, path.read_bytes()


def _is_shipped(name: str) -> bool:
    """Return whether a file is in the wheel; building and running leave others beside them."""
    parts = name.split("/")
    is_left_behind = any(part.startswith(".") or part == _BYTECODE for part in parts)
    return not is_left_behind and not name.startswith(_ADDONS_WHEELS)


def _record(files: dict[str, bytes], record: str) -> bytes:
    lines = [f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items()]
    return "".join([*lines, f"{record},,\n"]).encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
