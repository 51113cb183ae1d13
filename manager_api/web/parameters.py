"""Checks the parts of requests besides JSON: ids in paths, headers, addresses.

Like Flamenco it accepts only UUIDs of 36 characters, and refuses others in Flamenco's error shape.
"""

import re
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Header, Request

from manager_api.contract.errors import BadRequest, TaskNotFound
from manager_api.web.addon_package import address_of
from manager_api.web.dependencies import Parts
from manager_api.web.proxies import client_of
from workflows.domain.shaman import Blob, NotAllowed

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)

_DELIVERY = re.compile(r"msg_[0-9a-f]{32}", re.ASCII)


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def valid_id(text: str, what: str) -> str:
    """Return an id in lower case, as ids are stored.

    Raises:
        BadRequest: the text is not a UUID.
    """
    if not is_uuid(text):
        raise BadRequest(f"{what} not valid")
    return text.lower()


# All are coroutines: FastAPI calls plain functions in a thread, which costs more than the call.


async def _job_id(job_id: str) -> str:
    return valid_id(job_id, "job ID")


async def _task_id(task_id: str) -> str:
    return valid_id(task_id, "task ID")


async def _worker_id(worker_id: str) -> str:
    return valid_id(worker_id, "worker ID")


async def _worker_tag_id(tag_id: str) -> str:
    return valid_id(tag_id, "tag ID")


async def _known_task_id(task_id: str) -> str:
    """Return a task's id for setTaskStatus, where Flamenco answers 404 to bad ids too."""
    if not is_uuid(task_id):
        raise TaskNotFound(task_id)
    return task_id.lower()


async def _account_id(account_id: str) -> str:
    return valid_id(account_id, "account ID")


async def _session_id(session_id: str) -> str:
    return valid_id(session_id, "session ID")


async def _token_id(token_id: str) -> str:
    return valid_id(token_id, "token ID")


async def _view_id(view_id: str) -> str:
    return valid_id(view_id, "view ID")


async def _webhook_id(webhook_id: str) -> str:
    return valid_id(webhook_id, "webhook ID")


async def _delivery_id(delivery_id: str) -> str:
    if _DELIVERY.fullmatch(delivery_id) is None:
        raise BadRequest("delivery ID not valid")
    return delivery_id


async def _comment_id(comment_id: str) -> str:
    return valid_id(comment_id, "comment ID")


async def _address(request: Request) -> str:
    """Return the IP address of the client's machine; empty if the server does not know it."""
    return request.client.host if request.client else ""


async def _our_address(request: Request, parts: Parts) -> str:
    """Return the manager's address as the client knows it, without a slash at its end."""
    host = request.headers.get("host", "")
    settings = parts.settings
    is_public = host.lower() == urlsplit(settings.public_url).netloc
    if settings.public_url and (is_public or client_of(request.scope).came_by_proxy):
        return settings.public_url
    return address_of(request.scope["scheme"], host)


async def _blob(checksum: str, filesize: int) -> Blob:
    try:
        return Blob.of(checksum, filesize)
    except NotAllowed as refusal:
        raise BadRequest(str(refusal)) from refusal


async def _file_name(
    sent: Annotated[str, Header(alias="X-Shaman-Original-Filename")] = "",
) -> str:
    """Return the original name of an uploaded file, which is only logged.

    Raises:
        BadRequest: the header is neither ASCII nor encoded as in RFC 2047.
    """
    try:
        return str(make_header(decode_header(sent.encode("ascii").decode())))
    except (ValueError, LookupError, MessageError) as error:
        raise BadRequest("X-Shaman-Original-Filename cannot be decoded") from error


JobId = Annotated[str, Depends(_job_id)]
TaskId = Annotated[str, Depends(_task_id)]
KnownTaskId = Annotated[str, Depends(_known_task_id)]
WorkerId = Annotated[str, Depends(_worker_id)]
WorkerTagId = Annotated[str, Depends(_worker_tag_id)]
AccountId = Annotated[str, Depends(_account_id)]
SessionId = Annotated[str, Depends(_session_id)]
TokenId = Annotated[str, Depends(_token_id)]
ViewId = Annotated[str, Depends(_view_id)]
WebhookId = Annotated[str, Depends(_webhook_id)]
DeliveryId = Annotated[str, Depends(_delivery_id)]
CommentId = Annotated[str, Depends(_comment_id)]
Address = Annotated[str, Depends(_address)]
OurAddress = Annotated[str, Depends(_our_address)]
TheBlob = Annotated[Blob, Depends(_blob)]
FileName = Annotated[str, Depends(_file_name)]
