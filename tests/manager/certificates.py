"""An authority of the farm's own, and a certificate by it, for tests."""

from pathlib import Path

from manager_api.tls.authority import (
    AuthorityFiles,
    certificates_in,
    certify_manager,
    fingerprint_of,
    make_authority,
)


def authority_in(folder: Path, *names: str) -> AuthorityFiles:
    """Make an authority and a certificate for these names."""
    files = AuthorityFiles(folder)
    make_authority(files, "Tests")
    certify_manager(files, names)
    return files


def pin_of(file: Path) -> str:
    """Return the pin of the first certificate in a file."""
    return fingerprint_of(certificates_in(file)[0])
