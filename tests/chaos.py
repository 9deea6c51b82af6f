"""A TCP proxy that misbehaves as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Chaos:
    """Stands between a client and a server on this machine; made by ``between``."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.flowing = asyncio.Event()
        """While it is clear, connections are taken and nothing flows: a black hole."""
        self.flowing.set()
        self.delay_s = 0.0
        """Each piece waits so long, in both directions."""
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Reset all connections."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(back)
        for task in (
            asyncio.create_task(self._pump(reader, back)),
            asyncio.create_task(self._pump(there, writer)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while piece := await reader.read(65536):
                    if self.delay_s:
                        await asyncio.sleep(self.delay_s)
                    await self.flowing.wait()
                    writer.write(piece)
                    await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def aclose(self) -> None:
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def between(target: int) -> AsyncIterator[Chaos]:
    """Listen on a free port and pass everything on to ``target``."""
    chaos = Chaos(target)
    server = await asyncio.start_server(chaos.serve, "127.0.0.1", 0)
    chaos.port = server.sockets[0].getsockname()[1]
    try:
        yield chaos
    finally:
        server.close()
        await chaos.aclose()
