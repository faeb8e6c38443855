"""The recorder that one writes first: a server and a client of ``websockets``, messages into a file as msgpack.

Not a straw man: no compression, no logging, no limits, a buffered file. Usage: naive_proxy.py TARGET FILE
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path

import msgpack
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

_silent = logging.getLogger("naive")
_silent.setLevel(logging.CRITICAL)


async def main(target: str, path: Path) -> None:
    packer = msgpack.Packer()
    with path.open("wb") as file:

        async def pass_on(source: Connection, sink: Connection, sender: str) -> None:
            try:
                async for message in source:
                    await sink.send(message)
                    file.write(packer.pack((time.monotonic_ns(), sender, message)))
            except ConnectionClosed:
                pass
            await sink.close()

        async def handle(client: ServerConnection) -> None:
            assert client.request is not None
            upstream = connect(
                target + client.request.path,
                compression=None,
                max_size=None,
                ping_interval=None,
                logger=_silent,
                proxy=None,
            )
            async with upstream as server:
                await asyncio.gather(pass_on(client, server, "client"), pass_on(server, client, "server"))

        options = {"compression": None, "max_size": None, "ping_interval": None, "logger": _silent}
        async with serve(handle, "127.0.0.1", 0, **options) as listening:
            print(next(iter(listening.sockets)).getsockname()[1], flush=True)
            await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
