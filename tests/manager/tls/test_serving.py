"""The manager serves its certificate, and the next one while it runs."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from manager_api.tls.authority import AuthorityFiles, certify_manager
from manager_api.tls.serving import ServedCertificate
from tests.manager.api_calls import eventually
from tests.manager.certificates import authority_in

NAME = "farm.studio"


@contextlib.asynccontextmanager
async def serving(certificate: ServedCertificate) -> AsyncIterator[int]:
    """A server of TLS, with the duty that looks after its certificate; yields its port."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=certificate.context)
    watch = asyncio.create_task(certificate.run())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        watch.cancel()
        server.close()


async def served(port: int, files: AuthorityFiles) -> bytes:
    """The certificate that a new client gets, which trusts the authority alone."""
    context = ssl.create_default_context(cafile=str(files.authority))
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=NAME)
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return found


async def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    files = authority_in(tmp_path, NAME)
    certificate = ServedCertificate(files.certificate, files.key, look_every_s=0.01)
    async with serving(certificate) as port:
        first = await served(port, files)
        certify_manager(files, [])

        async def is_new() -> bool:
            return await served(port, files) != first

        await eventually(is_new, 60)


async def test_half_a_renewal_leaves_the_certificate_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files, other = authority_in(tmp_path / "a", NAME), authority_in(tmp_path / "b", NAME)
    certificate = ServedCertificate(files.certificate, files.key, look_every_s=0.01)
    async with serving(certificate) as port:
        first = await served(port, files)
        files.certificate.write_bytes(other.certificate.read_bytes())

        async def is_said() -> bool:
            return "cannot be used" in caplog.text

        await eventually(is_said, 60)
        assert await served(port, files) == first
        files.key.write_bytes(other.key.read_bytes())

        async def is_new() -> bool:
            with contextlib.suppress(ssl.SSLError):
                return await served(port, other) != first
            return False

        await eventually(is_new, 60)


@pytest.mark.parametrize(("mode", "is_said"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_key_that_others_can_reach_is_said_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, is_said: bool
) -> None:
    files = authority_in(tmp_path, NAME)
    files.key.chmod(mode)

    with caplog.at_level(logging.WARNING):
        ServedCertificate(files.certificate, files.key)

    assert ("chmod 600" in caplog.text) is is_said
