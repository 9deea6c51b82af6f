"""The ledger of a PostgreSQL database, read only: beside running gateways."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import asyncpg

from adjourn.core.errors import BadInput, StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow

from .codec import ledger_row
from .postgres_link import LOST, PostgresSettings, quoted, refused

T = TypeVar("T")

_ALL_ROWS: Final = "SELECT position, leaf_hash, at_ms, body FROM entries ORDER BY position"
_ALL_ENDS: Final = "SELECT node, reversed_at_ms IS NOT NULL FROM ends ORDER BY node"
_BATCH: Final = 5_000


class PostgresLedger:
    """The ledger of one database as it is when it is opened; nothing is ever written to it.

    Not to be used inside an event loop: it runs one of its own.
    """

    def __init__(self, runner: asyncio.Runner, connection: asyncpg.Connection) -> None:
        self._runner = runner
        self._connection = connection

    @classmethod
    def open(cls, url: str, settings: PostgresSettings) -> "PostgresLedger":
        """Open a database.

        Raises:
            BadInput: There is no such database, or none of adjourn's in it.
        """
        runner = asyncio.Runner()
        try:
            connection = runner.run(_connect(url, settings))
        except Exception as error:  # noqa: BLE001 - sorted by _unusable
            runner.close()
            raise _unusable(error) from None
        return cls(runner, connection)

    def stream(self) -> Iterator[LedgerRow]:
        """Yield every entry as it is stored, in order.

        Raises:
            StoreUnavailable: The database cannot be read any further.
        """
        for row in self._all(_ALL_ROWS):
            yield ledger_row(*row)

    def ends(self) -> dict[NodeId, bool]:
        """Return every node that was ended, and whether its end was reversed.

        Raises:
            StoreUnavailable: The database cannot be read any further.
        """
        return {NodeId(node.hex()): undone for node, undone in self._all(_ALL_ENDS)}

    def close(self) -> None:
        """Disconnect."""
        self._connection.terminate()
        self._runner.close()

    def _all(self, select: str) -> Iterator[Any]:
        try:
            cursor = self._runner.run(_cursor(self._connection, select))
            while batch := self._runner.run(_more(cursor)):
                yield from batch
        except (*LOST, asyncpg.PostgresError) as error:
            raise StoreUnavailable(f"the database cannot be read any further ({error})") from error


async def _connect(url: str, settings: PostgresSettings) -> asyncpg.Connection:
    """Connect, and begin the transaction in which entries and ends are read as of one moment."""
    connection = await asyncpg.connect(
        url,
        password=settings.password or None,
        timeout=settings.connect_s,
        server_settings={
            "application_name": "adjourn ledger",
            "search_path": quoted(settings.schema),
            "default_transaction_read_only": "on",
            "idle_in_transaction_session_timeout": "0",
        },
    )
    try:
        await connection.transaction(isolation="repeatable_read", readonly=True).start()
        await connection.fetch(f"{_ALL_ROWS} LIMIT 1")
    except BaseException:
        connection.terminate()
        raise
    return connection


def _unusable(error: Exception) -> Exception:
    """Return what is to be told of a database whose ledger cannot be read."""
    if isinstance(error, ValueError):
        return BadInput(str(refused(error)))
    if isinstance(error, asyncpg.UndefinedTableError):
        return BadInput("store.url: the database holds no ledger", hint="check --store")
    if isinstance(error, (*LOST, TimeoutError, asyncpg.PostgresError)):
        told = str(error) or type(error).__name__
        return BadInput(f"store.url: cannot be opened ({told})", hint="check --store")
    return error


async def _cursor(connection: asyncpg.Connection, select: str) -> Any:
    return await connection.cursor(select)


async def _more(cursor: Any) -> Any:
    return await cursor.fetch(_BATCH)
