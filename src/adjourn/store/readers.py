"""A few threads that read, each on a read-only connection of its own."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from adjourn.core.errors import StoreUnavailable

from .waiting import answer_within

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Question:
    query: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Readers:
    """Runs queries beside the event loop."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], *, threads: int, queue_limit: int
    ) -> None:
        self._connect = connect
        self._limit = queue_limit
        self._waiting = 0
        self._closed = False
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, name=f"adjourn-reader-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, query: Callable[[sqlite3.Connection], T], deadline_s: float) -> T:
        """Return what ``query`` returns.

        Raises:
            StoreUnavailable: Refused, failed, or not done within ``deadline_s`` seconds.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._waiting >= self._limit:
            raise StoreUnavailable(f"{self._limit} look-ups are waiting already")
        loop = asyncio.get_running_loop()
        question = _Question(query, loop, loop.create_future())
        self._waiting += 1
        try:
            self._questions.put(question)
            answer: T = await answer_within(question.future, deadline_s, "no answer")
        finally:
            self._waiting -= 1
        return answer

    def close(self) -> None:
        """Finish what was accepted, then close all connections. Blocks."""
        self._closed = True
        for _ in self._threads:
            self._questions.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        connection: sqlite3.Connection | None = None
        while (question := self._questions.get()) is not None:
            if question.future.done():
                continue  # nobody waits any more
            try:
                connection = connection or self._connect()
                answer, error = question.query(connection), None
            except Exception as caught:  # noqa: BLE001 - the thread must outlive any bug
                answer, error = None, StoreUnavailable(f"cannot be read ({caught})")
                error.__cause__ = caught
                if connection is not None:  # it may not have survived
                    connection.close()
                    connection = None
            try:
                question.loop.call_soon_threadsafe(_resolve, question.future, answer, error)
            except RuntimeError:
                continue  # the waiter's loop is closed: nobody waits
        if connection is not None:
            connection.close()


def _resolve(future: "asyncio.Future[Any]", answer: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(answer)
    else:
        future.set_exception(error)
