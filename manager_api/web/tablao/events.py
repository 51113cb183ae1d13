"""The live stream of events."""

import contextlib
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from manager_api.contract.events import Wish
from manager_api.database.loops import until_one_ends
from manager_api.events.live import Subscription
from manager_api.web.auth import Reading, close_when_revoked
from manager_api.web.dependencies import Parts
from workflows.domain.access import Permission

router = APIRouter(prefix="/api/tablao/v1", dependencies=[Reading])

#: The client did not take its events in time. It may connect again and resume.
CLOSE_TOO_SLOW = 4408
#: The client sent a message that is not a `Wish`.
CLOSE_NOT_UNDERSTOOD = 4400


@router.websocket("/events")
async def events(
    websocket: WebSocket,
    parts: Parts,
    since: Annotated[int | None, Query(ge=0)] = None,
    topics: str = "",
) -> None:
    await websocket.accept()
    wanted = [topic for each in topics.split(",") if (topic := each.strip())]
    going = contextlib.suppress(WebSocketDisconnect)
    with parts.events.subscribed(wanted) as subscription, going:
        await until_one_ends(
            _send(websocket, subscription, since),
            _follow_wishes(websocket, subscription),
            subscription.overflowed.wait(),
            close_when_revoked(websocket, parts, Permission.READ),
        )
    if subscription.overflowed.is_set():
        await websocket.close(CLOSE_TOO_SLOW, "too slow")


async def _send(websocket: WebSocket, subscription: Subscription, since: int | None) -> None:
    async for message in subscription.messages(since):
        await websocket.send_text(message)


async def _follow_wishes(websocket: WebSocket, subscription: Subscription) -> None:
    """Follow the client's wishes until it disconnects or sends a message that is not a `Wish`."""
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        try:
            subscription.also(Wish.model_validate_json(message.get("text") or "").also)
        except ValidationError:
            await websocket.close(CLOSE_NOT_UNDERSTOOD, "not a wish for topics")
            return
