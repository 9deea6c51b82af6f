"""The ledger of a SQLite file, read only: beside a running gateway, or on a copy.

Whatever somebody did to the file: what can be read is given as it is, for a check to name.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from adjourn.core.errors import BadInput, StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow

from .codec import Row, ledger_row

_ALL_ROWS: Final = "SELECT position, leaf_hash, at_ms, body FROM entries ORDER BY position"
_ALL_ENDS: Final = "SELECT node, reversed_at_ms IS NOT NULL FROM ends ORDER BY node"


class SqliteLedger:
    """The ledger of one file as it is when it is opened; nothing is ever written to it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: str) -> "SqliteLedger":
        """Open a file.

        Raises:
            BadInput: There is no such file, or it is none of adjourn's.
        """
        file = Path(path).resolve()
        if not file.is_file():
            raise BadInput(f"{path}: cannot be opened (no such file)", hint="check --store")
        try:
            connection = _connect(file, "mode=ro")
        except sqlite3.Error as error:
            raise BadInput(f"{path}: holds no ledger ({error})", hint="check --store") from None
        return cls(connection)

    def stream(self) -> Iterator[LedgerRow]:
        """Yield every entry as it is stored, in order.

        Raises:
            StoreUnavailable: The file cannot be read any further.
        """
        for row in self._all(_ALL_ROWS):
            yield ledger_row(*row)

    def ends(self) -> dict[NodeId, bool]:
        """Return every node that was ended, and whether its end was reversed.

        Raises:
            StoreUnavailable: The file cannot be read any further.
        """
        return {NodeId(bytes(node).hex()): bool(undone) for node, undone in self._all(_ALL_ENDS)}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _all(self, select: str) -> Iterator[Row]:
        try:
            yield from self._connection.execute(select)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the file cannot be read any further ({error})") from error


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    """Open a file and see that it holds a ledger.

    A copy in a place that cannot be written to is opened as a file that nobody changes: SQLite
    could not make its shared memory beside it.
    """
    try:
        connection = sqlite3.connect(f"{file.as_uri()}?{mode}", uri=True, isolation_level=None)
        try:
            connection.text_factory = _text
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")  # entries and ends are then read as of one moment
            connection.execute(f"{_ALL_ROWS} LIMIT 1").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.Error as error:
        unwritable = getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNWRITABLE
        if mode == "mode=ro" and unwritable and not Path(f"{file}-wal").exists():
            return _connect(file, "mode=ro&immutable=1")
        raise
    return connection


_UNWRITABLE: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
