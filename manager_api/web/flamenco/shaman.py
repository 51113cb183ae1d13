"""Flamenco's operations of Shaman: sending a job's files and checking them out."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.requests import ClientDisconnect

from manager_api.contract.errors import NotValid
from manager_api.contract.shaman import (
    ShamanCheckout,
    ShamanCheckoutResult,
    ShamanFileSpec,
    ShamanFileSpecWithStatus,
    ShamanRequirementsRequest,
    ShamanRequirementsResponse,
    ShamanSingleFileStatus,
)
from manager_api.shaman.errors import UploadMismatch
from manager_api.shaman.service import Received
from manager_api.web.auth import Submitting
from manager_api.web.dependencies import EnabledShaman, enabled_shaman
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import FileName, TheBlob
from manager_api.web.responses import ERROR, Responses, refusal, without_body
from workflows.domain.shaman import Blob, FileStatus

logger = logging.getLogger(__name__)

UPLOADS = "/api/v3/shaman/files/"
UPLOAD_TYPE = "application/octet-stream"

_BODY = {
    "requestBody": {
        "required": True,
        "content": {UPLOAD_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_ANSWERS: Responses = {
    **without_body(200, "Stored now"),
    **without_body(204, "The same, in Flamenco's document; its manager and this one answer 200"),
    **without_body(208, "Stored already"),
    **refusal(413),
    **refusal(417, "The content is not the announced file"),
    **without_body(425, "Another client is sending this file; send other files first"),
}
_CHECKOUT_REFUSED = refusal(
    409, "No free name was found, or the disk treats two paths as the same file"
) | refusal(424, "Files are missing")
_STATUS_CODES = {
    Received.STORED: 200,
    Received.ALREADY_STORED: 208,
    Received.SENT_BY_ANOTHER: 425,
}
_LONGEST_LOGGED_NAME = 200


router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/shaman",
    tags=["shaman"],
    dependencies=[Submitting, Depends(enabled_shaman)],
    responses=ERROR,
)


@router.post(
    "/checkout/requirements",
    operation_id="shamanCheckoutRequirements",
    response_model=ShamanRequirementsResponse,
)
async def shaman_checkout_requirements(
    asked: ShamanRequirementsRequest, shaman: EnabledShaman
) -> Response:
    # In threads: 100,000 files take seconds.
    first = await asyncio.to_thread(
        lambda: {spec.blob: spec for spec in reversed(asked.files)},
    )
    statuses = await shaman.statuses(reversed(first))
    return await asyncio.to_thread(_requirements, first, statuses)


@router.post("/checkout/create", operation_id="shamanCheckout", responses=_CHECKOUT_REFUSED)
async def shaman_checkout(asked: ShamanCheckout, shaman: EnabledShaman) -> ShamanCheckoutResult:
    files = ((spec.path, spec.blob) for spec in asked.files)
    return ShamanCheckoutResult(checkoutPath=await shaman.check_out(asked.checkoutPath, files))


@router.get("/files/{checksum}/{filesize}", operation_id="shamanFileStoreCheck")
async def shaman_file_store_check(blob: TheBlob, shaman: EnabledShaman) -> ShamanSingleFileStatus:
    return ShamanSingleFileStatus(status=(await shaman.statuses([blob]))[blob])


@router.post(
    "/files/{checksum}/{filesize}",
    operation_id="shamanFileStore",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra=_BODY,
)
async def shaman_file_store(
    blob: TheBlob,
    request: Request,
    shaman: EnabledShaman,
    name: FileName,
    can_wait: Annotated[bool, Header(alias="X-Shaman-Can-Defer-Upload")] = False,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    if content_type.partition(";")[0].strip().lower() != UPLOAD_TYPE:
        raise NotValid(f"the content type must be {UPLOAD_TYPE}, not {content_type[:100]!r}")
    _check_length(request, blob)
    try:
        became = await shaman.receive(blob, request.stream(), may_wait=can_wait)
    except ClientDisconnect:
        # The client is gone, so this answer is not read.
        return Response(status_code=400)
    logger.debug(
        "file sent",
        extra={"file": name[:_LONGEST_LOGGED_NAME], "sha": blob.sha, "became": became.value},
    )
    return Response(status_code=_STATUS_CODES[became])


def _requirements(
    specs: Mapping[Blob, ShamanFileSpec], statuses: Mapping[Blob, FileStatus]
) -> Response:
    files = [
        ShamanFileSpecWithStatus(status=status, **specs[blob].model_dump())
        for blob, status in statuses.items()
        if status != FileStatus.STORED
    ]
    answer = ShamanRequirementsResponse(files=files)
    return Response(answer.model_dump_json(), media_type="application/json")


def _check_length(request: Request, blob: Blob) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) != blob.size:
        raise UploadMismatch(f"{announced} bytes are sent, but {blob.size} were announced")
