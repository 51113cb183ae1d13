"""A manager behind https is asked only if its certificate is trusted on this machine."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.core import connections
from addon.core.manager import Manager, ManagerError
from tests.addon.core.stand_in_manager import StandInManager, told
from tests.manager.certificates import authority_in

VERSION = "/api/v3/version"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1. Its key is beside it."""
    assert shutil.which("openssl"), "these tests make a certificate: apt-get install openssl"
    file = tmp_path_factory.mktemp("tls") / "manager.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=manager", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(file.with_suffix(".key")), "-out", str(file)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return file


@pytest.fixture
def address(certificate: Path) -> Iterator[str]:
    """Of a manager behind https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    connections._trust.cache_clear()
    with StandInManager(context) as manager:
        manager.replies[VERSION] = told({"version": "3.9"})
        yield manager.url
    connections._trust.cache_clear()


def test_a_certificate_that_nobody_trusts_is_refused(address: str) -> None:
    with pytest.raises(ManagerError, match="its certificate is not trusted"):
        Manager(address).get(VERSION)


def test_a_certificate_that_this_machine_trusts_is_taken(
    address: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert Manager(address).get(VERSION) == {"version": "3.9"}


def test_a_certificate_is_for_one_name(
    address: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with pytest.raises(ManagerError, match="its certificate is not trusted"):
        Manager(address.replace("127.0.0.1", "localhost")).get(VERSION)


def test_an_authority_that_the_artist_names_is_trusted(address: str, certificate: Path) -> None:
    assert Manager(address, authority=str(certificate)).get(VERSION) == {"version": "3.9"}


def test_beside_an_authority_that_the_artist_names_no_other_counts(
    address: str, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = authority_in(tmp_path, "127.0.0.1").authority
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with pytest.raises(ManagerError, match="its certificate is not trusted"):
        Manager(address, authority=str(other)).get(VERSION)


def test_a_file_that_is_no_authority_is_a_sentence(address: str, tmp_path: Path) -> None:
    for file in (tmp_path / "none.pem", Path(__file__)):
        with pytest.raises(ManagerError, match=r"the authority's file .* cannot be used"):
            Manager(address, authority=str(file)).get(VERSION)
