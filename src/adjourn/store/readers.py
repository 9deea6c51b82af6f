"""A few threads that read, each on a read-only connection of its own."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from adjourn.core.errors import StoreUnavailable

T = TypeVar("T")


class Readers:
    """Runs queries beside the event loop."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], *, threads: int, queue_limit: int
    ) -> None:
        self._connect = connect
        self._limit = queue_limit
        self._waiting = 0
        self._closed = False
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="adjourn-reader")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []

    async def run(self, query: Callable[[sqlite3.Connection], T], deadline_s: float) -> T:
        """Return what ``query`` returns.

        Raises:
            StoreUnavailable: Refused, failed, or not done within ``deadline_s`` seconds.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._waiting >= self._limit:
            raise StoreUnavailable(f"{self._limit} look-ups are waiting already")
        self._waiting += 1
        try:
            reading = asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)
            await asyncio.wait((reading,), timeout=deadline_s)
            if reading.done():
                return reading.result()
            reading.cancel()
            raise StoreUnavailable(f"no answer within {deadline_s:g} seconds")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"cannot be read ({error})") from error
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish what was accepted, then close all connections. Blocks."""
        self._closed = True
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            self._connections.append(connection)
        try:
            return query(connection)
        except sqlite3.Error:
            self._local.connection = None  # it may not have survived
            self._connections.remove(connection)
            connection.close()
            raise
