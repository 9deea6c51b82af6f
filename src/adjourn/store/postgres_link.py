"""The connections to a PostgreSQL server: how long they may take, and what happens without it.

Lives here: the pool, deadlines, trying again, and knowing that the server is gone so that nobody
waits for it. Does not live here: any SQL of the store's (``postgres_queries``).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

import asyncpg

from adjourn.core.errors import BadConfig, StoreUnavailable

T = TypeVar("T")
Query = Callable[[asyncpg.Connection], Awaitable[T]]

_log = logging.getLogger("adjourn.store")

LOST: Final = (
    OSError,
    EOFError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Errors of a connection that is gone, or leads to a server that does not take writes any more:
another connection may do better."""

_MAY_PASS: Final = (*LOST, asyncpg.InsufficientResourcesError, asyncpg.QueryCanceledError)
"""What a server says that may do better later."""


_NOT_YET: Final = "it was not reached yet"


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """How patient the store is, and how much it lets wait."""

    schema: str = "adjourn"
    """PostgreSQL schema that holds the tables; made at the first start."""
    deadline_s: float = 5.0
    """Seconds until a caller is told that the store is unavailable."""
    connect_s: float = 2.0
    """Seconds until a server that does not let us in counts as gone."""
    queue_limit: int = 8192
    """Appends, and look-ups, that may wait; more are refused at once."""
    batch_limit: int = 512
    """Appends in one transaction."""
    readers: int = 4
    """Connections for look-ups; one more writes, and one more watches."""
    watch_s: float = 1.0
    """Seconds between two looks whether the server answers, and what was reversed elsewhere."""
    password: str = ""
    """Goes over the one in the URL."""


class Link:
    """A pool of connections to one server, and whether it answers.

    Args:
        url: ``postgresql://…``, as libpq knows it.
        settings: Deadlines and limits.
        prepare: Run on the first connection ever, before anything else is asked.
        refresh: Run again and again; whether it answers tells whether the server does.
    """

    def __init__(
        self, url: str, settings: PostgresSettings, prepare: Query[None], refresh: Query[None]
    ) -> None:
        self._url = url
        self._settings = settings
        self._prepare = prepare
        self._refresh = refresh
        self._why_down = _NOT_YET
        self._prepared = False
        self._waiting = 0
        self._closed = False
        self._pool: asyncpg.Pool
        self._watching: asyncio.Task[None]

    async def open(self) -> None:
        """Begin; a server that is not there yet is waited for beside everything else.

        Raises:
            BadConfig: The server is there but does not let us in, or its schema cannot be used.
        """
        settings = self._settings
        try:
            self._pool = await asyncpg.create_pool(
                self._url,
                password=settings.password or None,
                min_size=0,
                max_size=settings.readers + 2,
                timeout=settings.connect_s,
                init=_begin,
                reset=_leave_as_it_is,
                target_session_attrs="read-write",
                server_settings={
                    "application_name": "adjourn",
                    "search_path": quoted(settings.schema),
                    "default_transaction_isolation": "read committed",
                    "statement_timeout": str(round(settings.deadline_s * 1000)),
                    "idle_in_transaction_session_timeout": str(round(settings.deadline_s * 1000)),
                },
            )
        except (ValueError, asyncpg.InterfaceError) as error:
            raise refused(error) from None
        try:
            await self._look()
        except ValueError as error:
            self._pool.terminate()
            raise refused(error) from None
        except (*_MAY_PASS, TimeoutError) as error:
            self._mark_down(error)
        except asyncpg.PostgresError as error:
            self._pool.terminate()
            raise refused(error) from None
        except BaseException:
            self._pool.terminate()
            raise
        self._watching = asyncio.create_task(self._watch())

    @property
    def is_up(self) -> bool:
        """Whether the server answered when it was last looked at."""
        return not self._why_down

    async def ask(self, query: Query[T], *, again: bool = True) -> T:
        """Return what a query returns.

        Args:
            query: What to do on a connection.
            again: It may be run once more if the connection turns out to be lost.

        Raises:
            StoreUnavailable: The server is gone, or did not answer in time, or too many wait.
        """
        if self._waiting >= self._settings.queue_limit:
            raise StoreUnavailable(f"{self._settings.queue_limit} look-ups are waiting already")
        self._waiting += 1
        try:
            return await self.run(query, self._settings.deadline_s, again=again)
        finally:
            self._waiting -= 1

    async def run(self, query: Query[T], deadline_s: float, *, again: bool = True) -> T:
        """Return what a query returns, however many wait.

        Raises:
            StoreUnavailable: The server is gone, or did not answer in time.
            asyncpg.PostgresError: It answered that the query cannot be done.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._why_down:
            raise StoreUnavailable(f"the database does not answer ({self._why_down})")
        try:
            async with asyncio.timeout(deadline_s):
                try:
                    return await self._on_connection(query)
                except LOST:
                    if not again:
                        raise
                    return await self._on_connection(query)
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {deadline_s:g} seconds") from None
        except _MAY_PASS as error:
            raise StoreUnavailable(f"the connection failed ({_told(error)})") from error

    async def aclose(self) -> None:
        """Close all connections; what is under way fails."""
        self._closed = True
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching
        try:
            async with asyncio.timeout(self._settings.connect_s):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _on_connection(self, query: Query[T]) -> T:
        """Run a query; a connection that failed or was left in the middle is not used again."""
        connection = await self._pool.acquire()
        try:
            answer = await query(connection)
        except BaseException as error:
            if isinstance(error, LOST) or not isinstance(error, asyncpg.PostgresError):
                connection.terminate()
            await self._pool.release(connection)
            raise
        await self._pool.release(connection)
        return answer

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._settings.watch_s)
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at again
                self._mark_down(error)

    async def _look(self) -> None:
        """See whether the server answers, on a connection of the pool or a new one."""
        async with asyncio.timeout(self._settings.connect_s):
            if not self._prepared:
                await self._on_connection(self._prepare)
                self._prepared = True
            await self._on_connection(self._refresh)
        if self._why_down not in {"", _NOT_YET}:
            _log.info("the database answers again")
        self._why_down = ""

    def _mark_down(self, error: Exception) -> None:
        why = _told(error)
        if not self._why_down or self._why_down != why:
            _log.warning("the database does not answer: %s", why)
        self._why_down = why


async def _begin(connection: asyncpg.Connection) -> None:
    """Make sure that a commit is durable, whatever the server's defaults are."""
    await connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """Nothing is ever changed on a connection, so it need not be reset (a round trip)."""


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def refused(error: Exception) -> BadConfig:
    """Return what is to be told of a database that does not let us in; never a password."""
    unread = isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError)
    told = "it cannot be read; write / ? # @ : in a password as %2F ..." if unread else _told(error)
    return BadConfig(
        f"cannot be used ({told})",
        file="configuration",
        key="store.url",
        hint="check user, password, database and rights; "
        "the form is postgresql://user@host:5432/database",
    )
