"""A host's way to Temporal is for the host alone: other users of its machine get nothing there."""

import pytest
from temporalio.client import Client
from temporalio.service import GrpcCompression

from activities.connections.tunnel_client import KEY_HEADER
from manager_api.temporal.server import TemporalServer
from tests.worker_host.connected.stand_in_manager import WORKER, Farm
from worker_host.registration import Credentials
from worker_host.temporal_link import TunneledTemporal
from workflows.domain.control import Welcome


@pytest.fixture
def temporal(farm: Farm, credentials: Credentials) -> TunneledTemporal:
    return TunneledTemporal(farm.url, lambda: credentials.headers, f"carmen {WORKER}")


async def test_another_user_of_the_hosts_machine_is_refused(
    temporal_server: TemporalServer, farm: Farm, temporal: TunneledTemporal
) -> None:
    farm.temporal = temporal_server.address
    host = await temporal.connect(Welcome(1, WORKER, "awake"))
    port = host.service_client.config.target_host

    assert await host.service_client.check_health()
    for metadata in ({}, {KEY_HEADER: "guessed"}, {KEY_HEADER: ""}):
        with pytest.raises(RuntimeError, match="for the worker's own process only"):
            await Client.connect(port, rpc_metadata=metadata, grpc_compression=GrpcCompression.NONE)
    await temporal.close()


async def test_each_process_has_a_key_of_its_own(
    temporal_server: TemporalServer,
    farm: Farm,
    temporal: TunneledTemporal,
    credentials: Credentials,
) -> None:
    farm.temporal = temporal_server.address
    other = TunneledTemporal(farm.url, lambda: credentials.headers, f"carmen {WORKER}")
    hosts = [await each.connect(Welcome(1, WORKER, "awake")) for each in (temporal, other)]

    keys = [host.service_client.config.rpc_metadata for host in hosts]

    assert keys[0] != keys[1]
    await temporal.close()
    await other.close()


async def test_only_the_tunnel_pings(
    temporal_server: TemporalServer, farm: Farm, temporal: TunneledTemporal
) -> None:
    farm.temporal = temporal_server.address
    direct = Welcome(1, WORKER, "awake", temporal=temporal_server.address)

    tunneled = await temporal.connect(Welcome(1, WORKER, "awake"))
    without_tunnel = await temporal.connect(direct)

    assert tunneled.service_client.config.keep_alive_config is None
    assert without_tunnel.service_client.config.keep_alive_config is not None
    await temporal.close()
