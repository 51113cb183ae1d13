"""Shaman over HTTP: files, and requests about them."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from manager_api.settings.model import ManagerSettings

OCTETS = {"content-type": "application/octet-stream"}
SHAMAN = "/api/v3/shaman"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def url(content: bytes) -> str:
    return f"{SHAMAN}/files/{sha(content)}/{len(content)}"


def spec(path: str, content: bytes) -> dict[str, Any]:
    return {"sha": sha(content), "size": len(content), "path": path}


@pytest.fixture
def storage(settings: ManagerSettings) -> Path:
    return settings.shared_storage_path


@pytest.fixture
def send(api: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def send(content: bytes, body: Any = None, **headers: str) -> httpx.Response:
        return await api.post(
            url(content), content=content if body is None else body, headers=OCTETS | headers
        )

    return send


@pytest.fixture
def check_out(api: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def check_out(path: str, *files: dict[str, Any]) -> httpx.Response:
        body = {"checkoutPath": path, "files": list(files)}
        return await api.post(f"{SHAMAN}/checkout/create", json=body)

    return check_out


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def blob_of(storage: Path, content: bytes) -> Path:
    name = sha(content)
    return storage / "file-store/stored" / name[:2] / name[2:] / f"{len(content)}.blob"


def is_there(path: Path) -> bool:
    return path.exists()
