"""Flamenco's interface: Shaman. Our interface: Shaman's garbage collection."""

from typing import Annotated

from pydantic import AfterValidator, FailFast, Field

from manager_api.contract.base import Answer, Integer, Part, Path, Request, at_most
from workflows.domain.shaman import LARGEST_FILE, MOST_FILES, Blob, FileStatus, file_path


def _checked_sha(sha: str) -> str:
    # Returned unchanged, because clients look up their files by it in the answer.
    Blob.of(sha, 0)
    return sha


def _checked_path(path: str) -> str:
    file_path(path)
    return path


class ShamanFileSpec(Part):
    sha: Annotated[str, AfterValidator(_checked_sha)]
    size: Annotated[Integer, Field(ge=0, le=LARGEST_FILE)]
    path: Annotated[str, AfterValidator(_checked_path)]

    @property
    def blob(self) -> Blob:
        return Blob.of(self.sha, self.size)


#: Of one bad file is told, not of a hundred thousand.
Files = Annotated[list[ShamanFileSpec], FailFast(), at_most(MOST_FILES, "files")]


class ShamanRequirementsRequest(Request):
    files: Files


class ShamanFileSpecWithStatus(Answer):
    sha: str
    size: int
    path: str
    status: FileStatus


class ShamanRequirementsResponse(Answer):
    files: list[ShamanFileSpecWithStatus]


class ShamanCheckout(Request):
    files: Files
    checkoutPath: Path  # noqa: N815 -- the contract's name


class ShamanCheckoutResult(Answer):
    checkoutPath: str  # noqa: N815 -- the contract's name


class ShamanSingleFileStatus(Answer):
    status: FileStatus


class GarbageCollectionRequest(Request):
    is_trial: bool = False
    """Whether to count files only, without deleting them."""


class GarbageCollected(Answer):
    deleted_files: int
    deleted_bytes: int
    kept_in_use: int
    kept_recent: int
