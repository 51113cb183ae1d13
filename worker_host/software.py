"""Which software a host is."""

from importlib.metadata import PackageNotFoundError, version


def software_version() -> str:
    """Return name and version, such as `Tablao 0.1.0`."""
    try:
        return f"Tablao {version('tablao')}"
    except PackageNotFoundError:  # the package is not installed, only checked out
        return "Tablao"
