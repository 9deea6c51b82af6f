"""The ledger of a SQLite file, read only: beside a running gateway, or on a copy."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from adjourn.core.entries import Entry
from adjourn.core.errors import BadInput, StoreUnavailable
from adjourn.ports import LedgerRow

from . import queries
from .codec import entry_of, ledger_row


class SqliteLedger:
    """Ledger entries of one file; nothing is ever written to it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: str) -> "SqliteLedger":
        """Open a file.

        Raises:
            BadInput: There is no such file, or it is none of adjourn's.
        """
        file = Path(path).resolve()
        try:
            connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)
        except (sqlite3.Error, ValueError) as error:
            raise BadInput(f"{path}: cannot be opened ({error})", hint="check --store") from None
        try:
            connection.execute("PRAGMA query_only = ON")
            queries.entries(connection, 0, 1)
        except sqlite3.Error as error:
            connection.close()
            raise BadInput(f"{path}: holds no ledger ({error})", hint="check --store") from None
        return cls(connection)

    async def entries(self, start: int, limit: int) -> Sequence[tuple[int, Entry]]:
        """Return ledger entries with their positions from ``start`` (0 is the first), in order.

        Raises:
            StoreUnavailable: The file cannot be read any more.
        """
        try:
            rows = queries.entries(self._connection, start, limit)
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error
        return [(position, entry_of(body)) for position, body in rows]

    async def rows(self, start: int, limit: int) -> Sequence[LedgerRow]:
        """Return entries as they are stored, from position ``start`` on, in order.

        Raises:
            StoreUnavailable: The file cannot be read any more.
        """
        try:
            found = queries.entry_rows(self._connection, start, limit)
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error
        return [ledger_row(*row) for row in found]

    async def aclose(self) -> None:
        """Close the file."""
        self._connection.close()
