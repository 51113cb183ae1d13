"""A browser of the shared storage, safely limited to it."""

from typing import Annotated

from fastapi import APIRouter, Query

from manager_api.contract.files import FileListing
from manager_api.files.browser import Wanted
from manager_api.web.auth import ForSubmission
from manager_api.web.dependencies import Files

router = APIRouter(prefix="/api/tablao/v1/files", tags=["files"], dependencies=[ForSubmission])


@router.get("", operation_id="listFiles")
async def list_files(
    files: Files,
    path: Annotated[str, Query(max_length=4096)] = "",
    contains: Annotated[str, Query(max_length=255)] = "",
    hidden: bool = False,
    nearest: bool = False,
) -> FileListing:
    """List a folder in the shared storage; `path` may begin with a variable.

    `contains` selects entries by a part of their name; `hidden` also lists names that begin with a
    dot. With `nearest`, a path that cannot be listed is not refused: the first existing folder
    above it is listed, or the shared storage.
    """
    return await files.listing(Wanted(path, contains, hidden, nearest))
