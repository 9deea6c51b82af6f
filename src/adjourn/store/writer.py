"""The one thread that writes: takes what waits, writes it in one transaction, tells the waiters.

Lives here: the queue, group commit, what happens when a commit fails. Does not live here: any SQL
beyond transactions. One slow disk write serves all who waited for the one before it, so the rate
grows with the load. A transaction that fails is rolled back and each of its jobs is tried alone,
so that nobody fails for somebody else's data.
"""

import asyncio
import sqlite3
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adjourn.core.errors import StoreUnavailable

from .waiting import answer_within

Work = Callable[[sqlite3.Connection], Any]
Commit = Callable[[sqlite3.Connection], None]


def commit_now(connection: sqlite3.Connection) -> None:
    """Commit; returns once it is durable."""
    connection.execute("COMMIT")


@dataclass(slots=True, eq=False)
class _Job:
    work: Work
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None

    @property
    def expired(self) -> bool:
        """The waiter was told that nothing was recorded: so nothing will be."""
        future = self.future
        return future.done() and not future.cancelled()

    def resolve(self) -> None:
        """Tell the waiter; runs in the waiter's loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


@dataclass(eq=False)
class Writer:
    """Runs jobs in transactions on the only connection that writes."""

    connect: Callable[[], sqlite3.Connection]
    """Opens the database for writing; called again after an error that the connection may not have
    survived."""
    queue_limit: int
    """Jobs that may wait; more are refused."""
    batch_limit: int
    """Jobs in one transaction."""
    commit: Commit = commit_now
    """Where tests make commits fail or dawdle."""
    check: Callable[[], None] = lambda: None
    """Asked before each commit; raises ``StoreUnavailable`` where what is written would be lost."""
    commits: int = 0
    """Transactions committed so far."""
    _jobs: deque[_Job] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False
    _connection: sqlite3.Connection | None = None

    def start(self) -> None:
        """Connect, and begin to take jobs."""
        self._connection = self.connect()
        self._thread = threading.Thread(target=self._run, name="adjourn-writer", daemon=True)
        self._thread.start()

    async def run(self, work: Work, deadline_s: float) -> Any:
        """Run ``work`` in a transaction and return its result once that is durable.

        A caller that is cancelled does not take its job back.

        Raises:
            StoreUnavailable: Refused, failed, or not done within ``deadline_s`` seconds.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._submit(job)
        return await answer_within(job.future, deadline_s, "not recorded")

    def close(self) -> None:
        """Finish what was accepted, then stop. Blocks; the connection stays open."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def disconnect(self) -> None:
        """Close the connection; after ``close``."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _submit(self, job: _Job) -> None:
        with self._changed:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            if len(self._jobs) >= self.queue_limit:
                raise StoreUnavailable(f"{self.queue_limit} appends are waiting already")
            self._jobs.append(job)
            if len(self._jobs) == 1:
                self._changed.notify()

    def _take(self) -> list[_Job]:
        """Wait for jobs and return some; none means that the writer is closed and all are done."""
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            count = min(len(self._jobs), self.batch_limit)
            return [self._jobs.popleft() for _ in range(count)]

    def _run(self) -> None:
        while jobs := self._take():
            try:
                self._write(jobs)
            except Exception as error:  # noqa: BLE001 - the thread must outlive any bug
                for job in jobs:
                    job.error = _unavailable(error)
            _tell(jobs)

    def _write(self, jobs: Sequence[_Job]) -> None:
        if self._transact(jobs) is None or len(jobs) == 1:
            return
        for job in jobs:
            error = self._transact([job])
            if error is not None and _code(error) == sqlite3.SQLITE_BUSY:
                return  # somebody holds the file: the others would only wait as long, in turn

    def _transact(self, jobs: Sequence[_Job]) -> Exception | None:
        """Run jobs in one transaction; after an error nothing of them was written."""
        try:
            connection = self._connection = self._connection or self.connect()
            connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                job.error = None
                if not job.expired:
                    job.result = job.work(connection)
            self.check()
            self.commit(connection)
            self.commits += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, roll back and go on
            self._roll_back(error)
            for job in jobs:
                job.result, job.error = None, _unavailable(error)
            return error
        return None

    def _roll_back(self, error: Exception) -> None:
        """Undo; a connection that may be damaged is closed, and opened anew for the next job."""
        connection = self._connection
        if connection is None:
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            survived = not isinstance(error, sqlite3.Error) or _code(error) in _HARMLESS
        except sqlite3.Error:
            survived = False
        if not survived:
            self._connection = None
            connection.close()


_HARMLESS: Final = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG}
)
"""Errors after which a connection that was rolled back is as good as new."""


def _code(error: Exception) -> int:
    """Return SQLite's primary result code, 0 if the error is not SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _unavailable(error: Exception) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return error
    told = StoreUnavailable(f"not recorded ({type(error).__name__}: {error})")
    told.__cause__ = error
    return told


def _tell(jobs: Sequence[_Job]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
    for job in jobs:
        by_loop[job.loop].append(job)
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, told)
        except RuntimeError:
            continue  # the waiters' loop is closed: nobody waits


def _resolve(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.resolve()
