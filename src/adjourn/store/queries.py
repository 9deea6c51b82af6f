"""The store's SQL. Each function runs on one connection; none begins or commits.

Only parameters ever carry values; what is put together as text are column lists and rows of marks.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from adjourn.core.entries import EndRecord
from adjourn.core.errors import StoreUnavailable
from adjourn.core.tree import NodeId

from .codec import END_COLUMNS, NODE_COLUMNS, AppendRows, Row, end_record, key_of

_TAIL: Final = 3
"""How many of a path's deepest nodes are looked up first."""
_SMALL: Final = 32
_LARGE: Final = 256
"""Sizes of lists of ids in a query; lists are padded, so that statements are prepared once."""

_STALE: Final = (
    "nodes.policy_digest <> excluded.policy_digest OR nodes.audience <> excluded.audience"
    " OR (excluded.knowledge & ~nodes.knowledge) <> 0"
)
_INSERT_NODE: Final = f"""
INSERT INTO nodes ({NODE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (node) DO UPDATE SET
    assessment = coalesce(nodes.assessment, excluded.assessment),
    delivered = coalesce(nodes.delivered, excluded.delivered),
    policy_digest = CASE WHEN {_STALE} THEN excluded.policy_digest ELSE nodes.policy_digest END,
    audience = CASE WHEN {_STALE} THEN excluded.audience ELSE nodes.audience END,
    state = CASE WHEN {_STALE} THEN excluded.state ELSE nodes.state END,
    knowledge = CASE WHEN {_STALE} THEN excluded.knowledge ELSE nodes.knowledge END
WHERE {_STALE}
    OR (nodes.assessment IS NULL AND excluded.assessment IS NOT NULL)
    OR (nodes.delivered IS NULL AND excluded.delivered IS NOT NULL)
"""  # noqa: S608 - constants only
_INSERT_END: Final = (
    "INSERT INTO ends (node, root, at_ms, requested_by, statement, closing)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_INSERT_ENTRY: Final = """
INSERT INTO entries (position, leaf_hash, kind, at_ms, node, body)
SELECT (SELECT coalesce(max(position), -1) + 1 FROM entries), ?, ?, ?, ?, ? WHERE true
ON CONFLICT (leaf_hash) DO NOTHING
"""
_SELECT_NODE: Final = f"SELECT {NODE_COLUMNS} FROM nodes WHERE node = ?"  # noqa: S608
_SELECT_TAIL: Final = f"SELECT {NODE_COLUMNS} FROM nodes WHERE node IN ({','.join('?' * _TAIL)})"  # noqa: S608
_SELECT_END: Final = f"SELECT {END_COLUMNS} FROM ends WHERE node = ?"  # noqa: S608


def append(connection: sqlite3.Connection, rows: AppendRows) -> EndRecord | None:
    """Write an append inside the transaction that is open.

    Returns:
        The end in force at the append's end, None if it has none.

    Raises:
        StoreUnavailable: The end of this node was reversed; nothing was written.
    """
    won: EndRecord | None = None
    if rows.end is not None:
        key = rows.end[0]
        earlier = end(connection, key)
        if earlier is not None:
            winner = end_record(earlier)
            if winner.statement.state == "reversed":
                raise StoreUnavailable("the end of this node was reversed, which stands")
            return winner
        connection.execute(_INSERT_END, rows.end)
        won = end_record((*rows.end[:2], *rows.end[4:], None))
    connection.executemany(_INSERT_NODE, rows.nodes)
    connection.execute(_INSERT_ENTRY, rows.entry)
    return won


def reverse(connection: sqlite3.Connection, key: bytes, at_ms: int, entry: Row) -> bool:
    """Reverse an end inside the transaction that is open, and record the entry in any case.

    Returns:
        Whether there is such an end; one that was reversed before keeps the time it has.
    """
    known = end(connection, key) is not None
    if known:
        connection.execute(
            "UPDATE ends SET reversed_at_ms = ? WHERE node = ? AND reversed_at_ms IS NULL",
            (at_ms, key),
        )
        connection.execute(_INSERT_ENTRY, entry)
    return known


def enter(connection: sqlite3.Connection, entry: Row) -> None:
    """Record an entry inside the transaction that is open."""
    connection.execute(_INSERT_ENTRY, entry)


def ended(connection: sqlite3.Connection) -> set[NodeId]:
    """Return every node that was ever ended."""
    return {NodeId(key.hex()) for (key,) in connection.execute("SELECT node FROM ends")}


def deepest(connection: sqlite3.Connection, path: Sequence[NodeId]) -> Row | None:
    """Return the deepest recorded node of a path.

    One query nearly always does: a request's newest one or two messages are new to the store, and
    the next is its own last reply.
    """
    if not path:
        return None
    tail = [key_of(node) for node in path[-_TAIL:]]
    padded = [*tail, *[tail[-1]] * (_TAIL - len(tail))]
    rows: list[Row] = connection.execute(_SELECT_TAIL, padded).fetchall()
    if rows:
        return max(rows, key=lambda row: tail.index(row[0]))
    above = [key_of(node) for node in path[:-_TAIL]]
    for chunk in _chunks(above[::-1]):
        found = _which(connection, "SELECT node FROM nodes WHERE node IN", chunk)
        for key in chunk:
            if key in found:
                return node(connection, key)
    return None


def shallowest_end(connection: sqlite3.Connection, path: Sequence[bytes]) -> Row | None:
    """Return the shallowest end on a path that is in force."""
    for chunk in _chunks(path):
        found = _which(
            connection, "SELECT node FROM ends WHERE reversed_at_ms IS NULL AND node IN", chunk
        )
        if found:
            return end(connection, next(key for key in chunk if key in found))
    return None


def _which(connection: sqlite3.Connection, select: str, chunk: Sequence[bytes]) -> set[bytes]:
    return {key for (key,) in connection.execute(f"{select} ({_marks(chunk)})", _padded(chunk))}


def _chunks(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(keys), _LARGE):
        yield keys[start : start + _LARGE]


def _size(chunk: Sequence[bytes]) -> int:
    return _SMALL if len(chunk) <= _SMALL else _LARGE


def _padded(chunk: Sequence[bytes]) -> list[bytes]:
    return [*chunk, *[chunk[-1]] * (_size(chunk) - len(chunk))]


_MARKS: Final = {size: ",".join("?" * size) for size in (_SMALL, _LARGE)}


def _marks(chunk: Sequence[bytes]) -> str:
    return _MARKS[_size(chunk)]


def records(connection: sqlite3.Connection, path: Sequence[bytes]) -> list[Row]:
    """Return every recorded node of a path, in no particular order."""
    rows: list[Row] = []
    for chunk in _chunks(path):
        select = f"SELECT {NODE_COLUMNS} FROM nodes WHERE node IN ({_marks(chunk)})"  # noqa: S608
        rows.extend(connection.execute(select, _padded(chunk)))
    return rows


def conversation(connection: sqlite3.Connection, root: bytes) -> list[Row]:
    """Return ids and depths of all nodes that stem from a root, shallowest first."""
    select = "SELECT node, depth FROM nodes WHERE root = ? ORDER BY depth, node"
    return connection.execute(select, (root,)).fetchall()


def node(connection: sqlite3.Connection, key: bytes) -> Row | None:
    """Return one node."""
    row: Row | None = connection.execute(_SELECT_NODE, (key,)).fetchone()
    return row


def end(connection: sqlite3.Connection, key: bytes) -> Row | None:
    """Return the end at exactly this node, reversed or not."""
    row: Row | None = connection.execute(_SELECT_END, (key,)).fetchone()
    return row


def entries(connection: sqlite3.Connection, start: int, limit: int) -> list[Row]:
    """Return positions and bodies of entries from ``start`` on, in order."""
    select = "SELECT position, body FROM entries WHERE position >= ? ORDER BY position LIMIT ?"
    return connection.execute(select, (start, limit)).fetchall()


def entry_rows(connection: sqlite3.Connection, start: int, limit: int) -> list[Row]:
    """Return position, leaf_hash, at_ms and body of entries from ``start`` on, in order."""
    select = (
        "SELECT position, leaf_hash, at_ms, body FROM entries"
        " WHERE position >= ? ORDER BY position LIMIT ?"
    )
    return connection.execute(select, (start, limit)).fetchall()
