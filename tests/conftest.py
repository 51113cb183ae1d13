"""What tests of several layers share: one real Temporal server for the whole session."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from manager_api.temporal.server import TemporalServer


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    """The embedded Temporal, supervised from a thread: each test has an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="temporal server", daemon=True)
    thread.start()
    server = TemporalServer(tmp_path_factory.mktemp("temporal"), stop_timeout=2.0)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(90)
    yield server
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
async def temporal_client(temporal_server: TemporalServer) -> Client:
    return await Client.connect(temporal_server.address, data_converter=pydantic_data_converter)
