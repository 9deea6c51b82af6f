"""Many appends in one transaction, in the event loop: while one is committed, the next ones gather.

Lives here: the queue, what may share a transaction, what happens when one fails. Does not live
here: SQL, connections. (SQLite's ``writer`` does the same in a thread.)
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from adjourn.core.entries import EndRecord
from adjourn.core.errors import StoreUnavailable

from .codec import AppendRows, end_record
from .waiting import answer_within

Write = Callable[[Sequence[AppendRows]], Awaitable[dict[bytes, EndRecord]]]
"""Records turns, all or nothing; returns ends that were there before, by node. Raises
``StoreUnavailable`` if nobody can record now, anything else if it is about these turns."""

_CLOSED: Final = "the store is closed"


@dataclass(slots=True, eq=False)
class _Job:
    rows: AppendRows
    future: "asyncio.Future[EndRecord | None]"

    def keys(self) -> set[bytes]:
        """What no other job of the same transaction may touch."""
        touched = {row[0] for row in self.rows.nodes}
        touched.add(self.rows.entry[0])
        if self.rows.end is not None:
            touched.add(self.rows.end[0])
        return touched

    def resolve(self, earlier: dict[bytes, EndRecord]) -> None:
        """Tell the waiter what has become of it."""
        if self.future.done():
            return
        end = self.rows.end
        won = None if end is None else earlier.get(end[0])
        if won is not None and won.statement.state == "reversed":
            self.future.set_exception(
                StoreUnavailable("the end of this node was reversed, which stands")
            )
        elif won is not None or end is None:
            self.future.set_result(won)
        else:
            self.future.set_result(end_record((*end[:2], *end[4:], None)))

    def fail(self, error: StoreUnavailable) -> None:
        """Tell the waiter that nothing was recorded."""
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(eq=False)
class GroupCommit:
    """Takes appends one by one and has them written together."""

    write: Write
    queue_limit: int
    """Appends that may wait; more are refused."""
    batch_limit: int
    """Appends in one transaction."""
    commits: int = 0
    """Transactions committed so far."""
    _jobs: deque[_Job] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _closed: bool = False
    _task: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        """Begin to take appends."""
        self._task = asyncio.create_task(self._run())

    async def append(self, rows: AppendRows, deadline_s: float) -> EndRecord | None:
        """Record a turn and return once that is durable; a caller that leaves does not undo it.

        Raises:
            StoreUnavailable: Refused, failed, or not done within ``deadline_s`` seconds.
        """
        if self._closed:
            raise StoreUnavailable(_CLOSED)
        if len(self._jobs) >= self.queue_limit:
            raise StoreUnavailable(f"{self.queue_limit} appends are waiting already")
        job = _Job(rows, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._arrived.set()
        end: EndRecord | None = await answer_within(job.future, deadline_s, "not recorded")
        return end

    async def aclose(self) -> None:
        """Finish what was accepted, then stop."""
        self._closed = True
        self._arrived.set()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    def _take(self) -> list[_Job]:
        """Return the oldest jobs up to the first that touches what another one does.

        A job whose waiter was told that nothing is recorded is dropped, so that this is true.
        """
        taken: list[_Job] = []
        touched: set[bytes] = set()
        while self._jobs and len(taken) < self.batch_limit:
            job = self._jobs[0]
            expired = job.future.done() and not job.future.cancelled()
            if not expired:
                keys = job.keys()
                if not touched.isdisjoint(keys):
                    break
                touched |= keys
                taken.append(job)
            self._jobs.popleft()
        return taken

    async def _run(self) -> None:
        while True:
            if not self._jobs:
                if self._closed:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            elif jobs := self._take():
                await self._commit(jobs)

    async def _commit(self, jobs: Sequence[_Job]) -> None:
        """Write jobs together; if the database minds one of them, each alone."""
        try:
            earlier = await self.write([job.rows for job in jobs])
        except StoreUnavailable as error:
            for job in jobs:
                job.fail(error)
        except Exception as error:  # noqa: BLE001 - the task must outlive any bug
            if len(jobs) > 1:
                for job in jobs:
                    await self._commit([job])
                return
            told = StoreUnavailable(f"not recorded ({type(error).__name__}: {error})")
            told.__cause__ = error
            jobs[0].fail(told)
        else:
            self.commits += 1
            for job in jobs:
                job.resolve(earlier)
