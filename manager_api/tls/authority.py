"""The farm's own certificate authority, for studios that have none.

It makes one kind of certificate: the manager's. Hosts and people pin the authority, so the
manager's certificate can be renewed without telling them.
"""

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
#: Browsers and systems refuse certificates of servers that are valid for longer than 398 days.
CERTIFICATE_DAYS = 397
#: Clocks of a network differ.
_EARLIER = timedelta(hours=1)
_LONGEST_COMMON_NAME = 64
_PUBLIC, _PRIVATE = 0o644, 0o600


class CannotCertify(Exception):
    """The text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class AuthorityFiles:
    """The files of an authority and of the manager's certificate, in a folder of their own."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def authority_key(self) -> Path:
        return self.folder / "authority.key"

    @property
    def certificate(self) -> Path:
        """The manager's certificate, followed by the authority's."""
        return self.folder / "manager.pem"

    @property
    def key(self) -> Path:
        return self.folder / "manager.key"


def make_authority(files: AuthorityFiles, farm: str) -> None:
    """Make the authority and its key.

    Args:
        farm: the farm's name, for people who look at the certificate.

    Raises:
        CannotCertify: the folder has an authority already, or cannot be written.
    """
    if files.authority.exists() or files.authority_key.exists():
        raise CannotCertify(
            f"{files.folder} has an authority already. `tablao tls renew` makes a new certificate "
            "for the manager, `tablao tls show` prints what hosts need."
        )
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{farm} farm authority")
    draft = (
        _draft(name, name, key, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    try:
        files.folder.mkdir(0o700, parents=True, exist_ok=True)
        _write(files.authority_key, _pem_of_key(key), _PRIVATE)
        _write(files.authority, _pem(draft.sign(key, hashes.SHA256())), _PUBLIC)
    except OSError as error:
        raise CannotCertify(f"{files.folder} cannot be written: {error.strerror}.") from error


def certify_manager(files: AuthorityFiles, names: Iterable[str]) -> x509.Certificate:
    """Make a certificate for the manager; its key stays, if there is one.

    Args:
        names: host names and IP addresses by which clients call the manager. Those of the last
            certificate stay.

    Raises:
        CannotCertify: there is no authority, or a file cannot be read or written.
    """
    try:
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        authority_key = _read_key(files.authority_key)
        if files.key.exists():
            key = _read_key(files.key)
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            _write(files.key, _pem_of_key(key), _PRIVATE)
        all_names = sorted({*names, *_names_of_last(files)})
        made = _certificate(authority, authority_key, key, all_names)
        _write(files.certificate, _pem(made) + _pem(authority), _PUBLIC)
    except OSError as error:
        raise CannotCertify(f"{error.filename}: {error.strerror}.") from error
    except ValueError as error:
        raise CannotCertify(f"The files in {files.folder} are no authority: {error}.") from error
    return made


def names_in(certificate: x509.Certificate) -> list[str]:
    """Return the host names and addresses that a certificate is for."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    names = extension.value.get_values_for_type(x509.DNSName)
    return [*names, *map(str, extension.value.get_values_for_type(x509.IPAddress))]


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the pin of a certificate, as hosts take it."""
    return f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def pin_of_authority(file: Path | None) -> str:
    """Return the pin of the authority in a file; empty without a file that can be read."""
    try:
        return fingerprint_of(certificates_in(file)[0]) if file else ""
    except CannotCertify:
        return ""


def certificates_in(file: Path) -> list[x509.Certificate]:
    """Return the certificates of a file in PEM.

    Raises:
        CannotCertify: the file cannot be read, or has none.
    """
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CannotCertify(f"{file} has no certificates: {error}") from error


def _certificate(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    names: list[str],
) -> x509.Certificate:
    draft = (
        _draft(_name("Tablao manager"), authority.subject, key, CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(list(map(_general_name, names))), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
    )
    return draft.sign(authority_key, hashes.SHA256())


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    begin = datetime.now(UTC) - _EARLIER
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:_LONGEST_COMMON_NAME])])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names_of_last(files: AuthorityFiles) -> list[str]:
    return names_in(certificates_in(files.certificate)[0]) if files.certificate.exists() else []


def _read_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{file.name} has no key of ours")
    return key


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(file: Path, content: bytes, mode: int) -> None:
    """Replace a file as a whole. It never has another mode than this one."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
