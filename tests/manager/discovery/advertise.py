"""A manager that can do nothing but be found.

`-m tests.manager.discovery.advertise HOST:PORT [PUBLIC_URL]`

Says "ready" once it answers, and ends when its standard input does.
"""

import asyncio
import sys

from manager_api.discovery.advertising import discoverable
from manager_api.settings.model import ManagerSettings

ANSWER = b'{"git": "Tablao of a test", "name": "Soleares", "version": "3", "shortversion": "3"}'


async def serve(settings: ManagerSettings) -> None:
    server = await asyncio.start_server(_answer, settings.host or None, settings.port)
    async with server, discoverable(settings):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(ANSWER)}\r\n\r\n"
    writer.write(head.encode() + ANSWER)
    await writer.drain()
    writer.close()


if __name__ == "__main__":
    public_url = "".join(sys.argv[2:])
    asyncio.run(
        serve(ManagerSettings(listen=sys.argv[1], manager_name="Soleares", public_url=public_url))
    )
