"""A manager that speaks TLS is trusted for its pin and nothing else, or for the system's sake."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from activities.connections.trust import (
    NotTrusted,
    PinnedCertificate,
    checked_pin,
    context_of,
    fetch_pinned,
    why_not_trusted,
)
from manager_api.tls.authority import AuthorityFiles, certificates_in, certify_manager
from tests.manager.certificates import authority_in, pin_of

NAME = "127.0.0.1"


@contextlib.asynccontextmanager
async def manager(files: AuthorityFiles) -> AsyncIterator[str]:
    """A server with this certificate; yields its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if await reader.read(1):
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nole"
                )
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server = await asyncio.start_server(answer, NAME, 0, ssl=context)
    try:
        yield f"https://{NAME}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def text(url: str, pinned: PinnedCertificate | None) -> str:
    async with httpx.AsyncClient(verify=context_of(pinned)) as http:
        return (await http.get(url)).text


async def pinned_at(url: str, pin: str) -> PinnedCertificate:
    return await asyncio.to_thread(fetch_pinned, url, pin)


async def test_the_authoritys_pin_lets_its_certificates_pass(tmp_path: Path) -> None:
    files = authority_in(tmp_path, NAME)
    pin = pin_of(files.authority)
    async with manager(files) as url:
        pinned = await pinned_at(url, pin)
        assert await text(url, pinned) == "ole"
    certify_manager(files, [])
    async with manager(files) as url:
        assert await text(url, pinned) == "ole"

    assert (pinned.pin, pinned.is_managers) == (pin, False)


async def test_an_authority_vouches_for_the_names_in_the_certificate_only(tmp_path: Path) -> None:
    files = authority_in(tmp_path, "farm.studio")
    async with manager(files) as url:
        pinned = await pinned_at(url, pin_of(files.authority))

        with pytest.raises(httpx.ConnectError) as refusal:
            await text(url, pinned)

    assert "IP address mismatch" in why_not_trusted(refusal.value, url)


async def test_the_pin_of_the_certificate_itself_stands_for_any_name(tmp_path: Path) -> None:
    files = authority_in(tmp_path, "farm.studio")
    async with manager(files) as url:
        pinned = await pinned_at(url, pin_of(files.certificate))
        assert await text(url, pinned) == "ole"
    certify_manager(files, [])
    async with manager(files) as url:
        with pytest.raises(httpx.ConnectError):
            await text(url, pinned)

    assert pinned.is_managers


@pytest.mark.parametrize("of_the_authority", [True, False])
async def test_another_manager_is_not_trusted(tmp_path: Path, of_the_authority: bool) -> None:
    files, other = authority_in(tmp_path / "a", NAME), authority_in(tmp_path / "b", NAME)
    pin = pin_of(files.authority if of_the_authority else files.certificate)
    async with manager(files) as url:
        pinned = await pinned_at(url, pin)
    async with manager(other) as url:
        with pytest.raises(httpx.ConnectError) as refusal:
            await text(url, pinned)
        with pytest.raises(NotTrusted, match="may not be your manager") as not_trusted:
            await pinned_at(url, pin)

    assert "--pin sha256:" in why_not_trusted(refusal.value, url)
    assert pin_of(other.certificate) in str(not_trusted.value)


async def test_an_authority_in_the_chain_is_no_proof_without_its_signature(tmp_path: Path) -> None:
    """The authority's certificate is public: an impostor can show it after its own."""
    files, impostor = authority_in(tmp_path / "a", NAME), authority_in(tmp_path / "b", NAME)
    own = certificates_in(impostor.certificate)[0]
    authority = certificates_in(files.authority)[0]
    impostor.certificate.write_bytes(_pem(own) + _pem(authority))
    async with manager(impostor) as url:
        pinned = await pinned_at(url, pin_of(files.authority))

        with pytest.raises(httpx.ConnectError) as refusal:
            await text(url, pinned)

    assert why_not_trusted(refusal.value, url)


async def test_the_systems_authorities_do_not_count_beside_a_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, other = authority_in(tmp_path / "a", NAME), authority_in(tmp_path / "b", NAME)
    async with manager(files) as url:
        pinned = await pinned_at(url, pin_of(files.authority))
    monkeypatch.setenv("SSL_CERT_FILE", str(other.authority))
    async with manager(other) as url:
        with pytest.raises(httpx.ConnectError):
            await text(url, pinned)


async def test_without_a_pin_the_system_decides(tmp_path: Path) -> None:
    async with manager(authority_in(tmp_path, NAME)) as url:
        with pytest.raises(httpx.ConnectError) as refusal:
            await text(url, None)

    sentence = why_not_trusted(refusal.value, url)
    assert url in sentence
    assert "`tablao tls show`" in sentence


def test_other_failures_are_not_the_certificates() -> None:
    assert why_not_trusted(ConnectionRefusedError("refused"), "https://farm") == ""
    assert why_not_trusted(None, "https://farm") == ""


@pytest.mark.parametrize(
    "text", ["ab" * 32, f"sha256:{'ab' * 32}", f" SHA256:{'AB:' * 31}AB ", f"{'ab:' * 31}ab"]
)
def test_a_pin_is_written_in_several_ways(text: str) -> None:
    assert checked_pin(text) == f"sha256:{'ab' * 32}"


@pytest.mark.parametrize("text", ["ab", "sha1:" + "ab" * 20, "zz" * 32, f"sha256:{'ab' * 33}"])
def test_a_mistyped_pin_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="`tablao tls show` prints it"):
        checked_pin(text)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
