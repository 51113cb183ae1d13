"""Web pages cannot use the HTTP API that the embedded Temporal opens beside gRPC."""

import httpx
import psutil
import pytest

from manager_api.temporal.server import TemporalServer


@pytest.fixture
def http_ports(temporal_server: TemporalServer) -> list[int]:
    """Ports on which the server listens, besides gRPC's and the Web UI's."""
    known = {int(temporal_server.address.rpartition(":")[2])}
    known.add(int(temporal_server.ui_url.rpartition(":")[2]))
    listening = psutil.Process(temporal_server.pid).net_connections("tcp")
    ports = {each.laddr.port for each in listening if each.status == psutil.CONN_LISTEN}
    return sorted(ports - known)


def _answers(
    ports: list[int], method: str, path: str, headers: dict[str, str]
) -> list[httpx.Response]:
    """The answers of those ports that speak HTTP."""
    answers = []
    for port in ports:
        try:
            url = f"http://127.0.0.1:{port}{path}"
            answers.append(httpx.request(method, url, headers=headers, timeout=10))
        except httpx.HTTPError:
            continue  # one of the server's own gRPC ports
    return answers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/namespaces/default/workflows/farm/terminate"),
        ("GET", "/api/v1/namespaces"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}])
def test_the_http_api_refuses_each_request(
    http_ports: list[int], method: str, path: str, headers: dict[str, str]
) -> None:
    statuses = {answer.status_code for answer in _answers(http_ports, method, path, headers)}

    # 404: the port of the server's own figures.
    assert 403 in statuses
    assert statuses <= {403, 404}
