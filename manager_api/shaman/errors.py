"""Why Shaman says no."""

from collections.abc import Collection

from manager_api.contract.errors import FarmError


class ShamanDisabled(FarmError):
    http_status = 503

    def __init__(self) -> None:
        super().__init__("Shaman is not enabled on this farm (shaman.enabled)")


class UploadMismatch(FarmError):
    """What came is not what was announced."""

    http_status = 417


class UploadStalled(FarmError):
    """Nothing came for so long that others are let through."""

    http_status = 408

    def __init__(self, idle_s: float) -> None:
        super().__init__(f"nothing was received for {idle_s:g} s; send the file again")


class FilesMissing(FarmError):
    http_status = 424

    def __init__(self, paths: Collection[str]) -> None:
        some = ", ".join(sorted(paths)[:5])
        super().__init__(f"{len(paths)} files of the checkout were not uploaded, such as: {some}")


class CheckoutConflict(FarmError):
    """Something is in the way."""

    http_status = 409


class StorageFailed(FarmError):
    """The disk does not do what it should; nothing is left of the attempt."""

    http_status = 500

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the shared storage cannot be used: {error.strerror or error}")
