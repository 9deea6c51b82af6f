"""A disk that tests hold up and make fail."""

import asyncio
import sqlite3
import threading
from dataclasses import dataclass, field

from adjourn.store.sqlite import SqliteStore
from adjourn.store.writer import commit_now

from .records import turn


@dataclass
class Disk:
    """A disk whose commits can be held up, and can fail."""

    going: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    failures: list[Exception] = field(default_factory=list)
    commits: int = 0

    def __post_init__(self) -> None:
        self.going.set()

    def commit(self, connection: sqlite3.Connection) -> None:
        self.commits += 1
        self.reached.set()
        self.going.wait()
        if self.failures:
            raise self.failures.pop(0)
        commit_now(connection)


def io_error() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


async def hold_up(disk: Disk, store: SqliteStore) -> "asyncio.Task[object]":
    """Have the writer stand still inside a commit; whatever is appended next forms a group."""
    disk.going.clear()
    disk.reached.clear()
    task: asyncio.Task[object] = asyncio.create_task(store.append(turn("held up")))
    await asyncio.to_thread(disk.reached.wait)
    return task
