"""The live stream of events."""

import contextlib
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect

from manager_api.auth import Anybody
from manager_api.dependencies import Parts
from manager_api.events import Subscription
from manager_api.loops import until_one_ends

router = APIRouter(prefix="/api/tablao/v1", dependencies=[Anybody])

#: The client did not take its events in time; it may connect again, and resume.
CLOSE_TOO_SLOW = 4408


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
            _until_gone(websocket),
            subscription.overflowed.wait(),
        )
    if subscription.overflowed.is_set():
        await websocket.close(CLOSE_TOO_SLOW, "too slow")


async def _send(websocket: WebSocket, subscription: Subscription, since: int | None) -> None:
    async for message in subscription.messages(since):
        await websocket.send_text(message)


async def _until_gone(websocket: WebSocket) -> None:
    """Nothing is expected of clients; what they send is not read further."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
