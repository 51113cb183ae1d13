"""What all tests share: their lanes (tests/lanes.py), and a real Temporal server per process."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from manager_api.temporal.server import TemporalServer
from tests.durations import CpuTimes
from tests.failures import FailuresAtOnce, TimedTeardown
from tests.lanes import ByFarm, is_quick, rank_of


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only the quick lane (tests/lanes.py)")


def pytest_configure(config: pytest.Config) -> None:
    # By the clock, which other processes slow down.
    settings.register_profile("no deadline", deadline=None)
    settings.load_profile("no deadline")
    config.pluginmanager.register(CpuTimes())
    config.pluginmanager.register(TimedTeardown())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailuresAtOnce(config))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.is_dir() or not config.getoption("--quick"):
        return None
    return True if not is_quick(_in_project(collection_path, config)) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: one for each processor, and two at least, because tests also wait."""
    return max(2, os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFarm:
    config.option.loadscopereorder = False
    return ByFarm(config, log)


def _in_project(path: Path, config: pytest.Config) -> str:
    return path.relative_to(config.rootpath).as_posix()


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    """The embedded Temporal, supervised from a thread: each test has an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="temporal server", daemon=True)
    thread.start()
    server = TemporalServer(
        tmp_path_factory.mktemp("temporal"), stop_timeout=2.0, ui_path="/temporal"
    )
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(90)
    yield server
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
async def temporal_client(temporal_server: TemporalServer) -> Client:
    return await Client.connect(temporal_server.address, data_converter=pydantic_data_converter)
