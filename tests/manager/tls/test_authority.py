"""The farm's own authority: what it makes, and that OpenSSL takes it."""

import shutil
import stat
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from manager_api.tls.authority import (
    AuthorityFiles,
    CannotCertify,
    certificates_in,
    certify_manager,
    make_authority,
    names_in,
)
from tests.manager.certificates import authority_in

CHECK = ("verify", "-x509_strict", "-purpose", "sslserver")
NAMES = ("farm.studio", "farm", "192.168.1.7", "fd00::7")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_openssl_trusts_the_certificate_for_its_names_by_the_authority(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "this test asks OpenSSL: apt-get install openssl"
    files = authority_in(tmp_path / "tls", *NAMES)
    for option, name, is_right in (
        ("-verify_hostname", "farm.studio", True),
        ("-verify_ip", "fd00::7", True),
        ("-verify_hostname", "evil.example", False),
    ):
        done = subprocess.run(
            [openssl, *CHECK, option, name, "-CAfile", files.authority, files.certificate],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) is is_right, done.stderr


def test_lifetimes_and_modes_are_sensible(tmp_path: Path) -> None:
    files = authority_in(tmp_path / "tls", *NAMES)
    certificate, authority = certificates_in(files.certificate)

    def lifetime(of: x509.Certificate) -> timedelta:
        return of.not_valid_after_utc - of.not_valid_before_utc

    assert lifetime(certificate) == timedelta(days=397)
    assert lifetime(authority) == timedelta(days=3650)
    assert sorted(names_in(certificate)) == sorted(NAMES)
    assert [mode(each) for each in (files.authority_key, files.key, files.folder)] == [
        0o600,
        0o600,
        0o700,
    ]


def test_a_renewed_certificate_keeps_authority_key_and_names(tmp_path: Path) -> None:
    files = authority_in(tmp_path / "tls", *NAMES)
    first, authority = certificates_in(files.certificate)

    certify_manager(files, ["new.studio"])

    second, same_authority = certificates_in(files.certificate)
    assert same_authority == authority
    assert second.serial_number != first.serial_number
    assert second.public_key() == first.public_key()
    assert set(names_in(second)) == {*NAMES, "new.studio"}


def test_an_authority_is_never_replaced(tmp_path: Path) -> None:
    files = authority_in(tmp_path / "tls", "farm")
    before = files.authority.read_bytes()

    with pytest.raises(CannotCertify, match="has an authority already"):
        make_authority(files, "Tests")

    assert files.authority.read_bytes() == before


def test_without_an_authority_nothing_is_certified(tmp_path: Path) -> None:
    files = AuthorityFiles(tmp_path)
    with pytest.raises(CannotCertify, match="No such file"):
        certify_manager(files, ["farm"])

    files.authority.write_text("nonsense")
    with pytest.raises(CannotCertify, match="are no authority"):
        certify_manager(files, ["farm"])
