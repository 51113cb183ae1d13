"""A file as it comes over the network, in blocks of a size that is worth a turn of the disk."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from manager_api.shaman.errors import UploadStalled

#: Times the number of clients that send at once, this is what uploads take in memory.
BLOCK = 256 * 1024
#: A client that is silent for so long holds up others that wait for its file.
IDLE_S = 60.0


async def received(
    content: AsyncIterable[bytes], *, idle_s: float = IDLE_S
) -> AsyncIterator[tuple[bytes, bool]]:
    """Blocks, and whether each is the last; there is a last one, which may be empty.

    Raises:
        UploadStalled: nothing came for `idle_s`.
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
