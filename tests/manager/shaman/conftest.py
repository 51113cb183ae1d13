"""Shaman over HTTP: files, and requests about them."""

from pathlib import Path

import httpx
import pytest

from manager_api.settings.model import ManagerSettings
from tests.manager.shaman.files import CheckOut, Send


@pytest.fixture
def storage(settings: ManagerSettings) -> Path:
    return settings.shared_storage_path


@pytest.fixture
def send(api: httpx.AsyncClient) -> Send:
    return Send(api)


@pytest.fixture
def check_out(api: httpx.AsyncClient) -> CheckOut:
    return CheckOut(api)
