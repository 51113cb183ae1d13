"""The reasons for which Shaman refuses a request."""

from collections.abc import Collection

from manager_api.contract.errors import DISK_FULL, FarmError


class ShamanDisabled(FarmError):
    http_status = 503

    def __init__(self) -> None:
        super().__init__("Shaman is not enabled on this farm (shaman.enabled)")


class UploadMismatch(FarmError):
    """The received file differs from the announced file."""

    http_status = 417


class UploadStalled(FarmError):
    """The client was silent for too long, so other clients may send the file."""

    http_status = 408

    def __init__(self, idle_s: float) -> None:
        super().__init__(f"nothing was received for {idle_s:g} s; send the file again")


class FilesMissing(FarmError):
    http_status = 424

    def __init__(self, paths: Collection[str]) -> None:
        some = ", ".join(sorted(paths)[:5])
        super().__init__(f"{len(paths)} files of the checkout were not uploaded, such as: {some}")


class CheckoutConflict(FarmError):
    """The path of the checkout is taken."""

    http_status = 409


class StorageFailed(FarmError):
    """The disk failed; nothing is left of the attempt."""

    http_status = 500

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the shared storage cannot be used: {error.strerror or error}")


class StorageFull(StorageFailed):
    http_status = 507


def failed(error: OSError) -> StorageFailed:
    """Return the refusal for an error of the disk."""
    return StorageFull(error) if error.errno in DISK_FULL else StorageFailed(error)
