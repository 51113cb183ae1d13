"""Collects a file from the network into blocks that are large enough for one write each."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from manager_api.shaman.errors import UploadStalled

#: Uploads take this much memory per sending client.
BLOCK = 256 * 1024
#: A client that is silent for longer delays the clients that wait for its file.
IDLE_S = 60.0


async def received(
    content: AsyncIterable[bytes], *, idle_s: float = IDLE_S
) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield blocks, each with whether it is the last. The last block may be empty.

    Raises:
        UploadStalled: nothing was received for `idle_s`.
    """
    gathered = bytearray()
    pieces = aiter(content)
    while True:
        try:
            async with asyncio.timeout(idle_s):
                piece = await anext(pieces)
        except TimeoutError:
            raise UploadStalled(idle_s) from None
        except StopAsyncIteration:
            break
        gathered += piece
        if len(gathered) >= BLOCK:
            yield bytes(gathered), False
            gathered.clear()
    yield bytes(gathered), True
