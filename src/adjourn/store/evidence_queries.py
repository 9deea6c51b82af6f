"""SQL for evidence."""

import sqlite3


def put(connection: sqlite3.Connection, key: bytes, at_ms: int, sealed: bytes) -> None:
    """Keep what was written before an end; what is kept already stays."""
    insert = "INSERT OR IGNORE INTO evidence (node, at_ms, sealed) VALUES (?, ?, ?)"
    connection.execute(insert, (key, at_ms, sealed))


def one(connection: sqlite3.Connection, key: bytes) -> bytes | None:
    """Return what is kept for a node."""
    row = connection.execute("SELECT sealed FROM evidence WHERE node = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])


def erase(connection: sqlite3.Connection, key: bytes) -> bool:
    """Erase what is kept for a node; tell whether there was anything."""
    return connection.execute("DELETE FROM evidence WHERE node = ?", (key,)).rowcount > 0


def forget(connection: sqlite3.Connection, before_ms: int) -> int:
    """Erase what was kept before a time; return how many."""
    return connection.execute("DELETE FROM evidence WHERE at_ms < ?", (before_ms,)).rowcount
