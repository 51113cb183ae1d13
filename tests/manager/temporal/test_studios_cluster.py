"""A Temporal of the studio's own that asks for client certificates, and for a token."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from activities.connections.tunnel_client import CHUNK
from activities.process.layered_settings import SettingsError
from manager_api.settings.model import ManagerSettings
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.server import TemporalServer

#: Made with openssl, valid for a hundred years; the authority's key was thrown away.
CERTIFICATES = Path(__file__).parent / "certificates"
TOKEN = "a-token-of-the-studio"
FILES = {
    "temporal_tls_ca": CERTIFICATES / "ca.pem",
    "temporal_tls_cert": CERTIFICATES / "manager.pem",
    "temporal_tls_key": CERTIFICATES / "manager.key",
}


class Gateway:
    """What stands before the studio's Temporal. It takes TLS off, and keeps what clients sent."""

    def __init__(self, temporal: str) -> None:
        self.heard = bytearray()
        self.address = ""
        self._temporal = temporal
        self._carrying: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._temporal.rpartition(":")
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, inner_writer, keep=True))
                both.create_task(self._carry(inner_reader, writer, keep=False))
        except* OSError:
            pass

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keep: bool
    ) -> None:
        while data := await reader.read(CHUNK):
            if keep:
                self.heard += data
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def gateway(temporal: str) -> AsyncIterator[Gateway]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=FILES["temporal_tls_ca"])
    context.load_cert_chain(CERTIFICATES / "temporal.pem", CERTIFICATES / "temporal.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    opened = Gateway(temporal)
    server = await asyncio.start_server(opened.serve, "127.0.0.1", 0, ssl=context)
    opened.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield opened
    server.close()


def settings(tmp_path: Path, address: str, **given: Any) -> ManagerSettings:
    named: dict[str, Any] = {name: str(value) for name, value in given.items()}
    return ManagerSettings(data_dir=tmp_path, temporal_address=address, **named)


async def test_the_manager_and_the_workers_proxy_show_the_certificate(
    temporal_server: TemporalServer, tmp_path: Path
) -> None:
    async with gateway(temporal_server.address) as opened:
        access = TemporalAccess.of_studio(settings(tmp_path, opened.address, **FILES))

        assert await (await access.connect()).service_client.check_health()
        assert await (await access.connect_for_worker()).service_client.check_health()


async def test_without_the_certificate_there_is_no_way_in(
    temporal_server: TemporalServer, tmp_path: Path
) -> None:
    async with gateway(temporal_server.address) as opened:
        given = {"temporal_tls_ca": FILES["temporal_tls_ca"]}
        access = TemporalAccess.of_studio(settings(tmp_path, opened.address, **given))

        with pytest.raises(RuntimeError):
            await access.connect()

    assert not opened.heard


async def test_the_token_goes_along_with_each_call(
    temporal_server: TemporalServer, tmp_path: Path
) -> None:
    async with gateway(temporal_server.address) as opened:
        given = {**FILES, "temporal_api_key": TOKEN}
        access = TemporalAccess.of_studio(settings(tmp_path, opened.address, **given))

        await access.connect()

    assert hpack_of(f"Bearer {TOKEN}") in opened.heard


def hpack_of(text: str) -> bytes:
    """The text as Temporal's client writes it in the headers of HTTP/2."""
    return HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(text.encode())


async def test_a_token_is_never_sent_without_tls(
    temporal_server: TemporalServer, tmp_path: Path
) -> None:
    given = {"temporal_api_key": TOKEN}
    access = TemporalAccess.of_studio(settings(tmp_path, temporal_server.address, **given))

    with pytest.raises(RuntimeError):
        await access.connect()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"temporal_tls_ca": "missing.pem"}, "Setting temporal_tls_ca: .*missing.pem"),
        ({"temporal_tls_cert": FILES["temporal_tls_cert"]}, "one of them is missing"),
    ],
)
def test_what_is_missing_is_a_sentence(
    tmp_path: Path, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        TemporalAccess.of_studio(settings(tmp_path, "127.0.0.1:7233", **given))


def test_a_temporal_without_credentials_is_reached_as_ever(tmp_path: Path) -> None:
    access = TemporalAccess.of_studio(settings(tmp_path, "127.0.0.1:7233"))

    assert access == TemporalAccess("127.0.0.1:7233", "default")
