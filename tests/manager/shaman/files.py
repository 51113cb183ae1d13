"""Files that are sent to Shaman, and where they are kept."""

import hashlib
from pathlib import Path
from typing import Any

import httpx

OCTETS = {"content-type": "application/octet-stream"}


SHAMAN = "/api/v3/shaman"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def url(content: bytes) -> str:
    return f"{SHAMAN}/files/{sha(content)}/{len(content)}"


def spec(path: str, content: bytes) -> dict[str, Any]:
    return {"sha": sha(content), "size": len(content), "path": path}


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def blob_of(storage: Path, content: bytes) -> Path:
    name = sha(content)
    return storage / "file-store/stored" / name[:2] / name[2:] / f"{len(content)}.blob"


def is_there(path: Path) -> bool:
    return path.exists()


class Send:
    """Sends a file's content."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api

    async def __call__(self, content: bytes, body: Any = None, **headers: str) -> httpx.Response:
        """
        Args:
            body: sent in place of the content that was announced.
        """
        sent = content if body is None else body
        return await self._api.post(url(content), content=sent, headers=OCTETS | headers)


class CheckOut:
    """Asks for a checkout of files."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api

    async def __call__(self, path: str, *files: dict[str, Any]) -> httpx.Response:
        body = {"checkoutPath": path, "files": list(files)}
        return await self._api.post(f"{SHAMAN}/checkout/create", json=body)
