"""SQL for appeals."""

import sqlite3
from typing import Any, Final

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.tree import NodeId

from . import queries
from .codec import Row, key_of

_COLUMNS: Final = (
    "node, filed_at_ms, words, acknowledged_at_ms, decided_at_ms, state, reviewer, reason, answer"
)
_PUT: Final = f"INSERT OR REPLACE INTO appeals ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_ONE: Final = f"SELECT {_COLUMNS} FROM appeals WHERE node = ?"  # noqa: S608 - our own columns
_ALL: Final = f"SELECT {_COLUMNS} FROM appeals ORDER BY filed_at_ms DESC LIMIT ?"  # noqa: S608


def put(
    connection: sqlite3.Connection,
    appeal: Appeal,
    entry: Row,
    expected: AppealState | None,
) -> Appeal | None:
    """Write an appeal and its entry inside the transaction that is open, if it stands as expected.

    Returns:
        The appeal as it stands then; None if there is no end at its node.
    """
    key = key_of(appeal.node)
    if queries.end(connection, key) is None:
        return None
    known = one(connection, key)
    if (known.state if known else None) != expected:
        return known
    if appeal.state is AppealState.REVERSED:
        queries.reverse(connection, key, appeal.decided_at_ms or appeal.filed_at_ms, entry)
    else:
        queries.enter(connection, entry)
    connection.execute(
        _PUT,
        (
            key, appeal.filed_at_ms, appeal.words, appeal.acknowledged_at_ms, appeal.decided_at_ms,
            str(appeal.state), appeal.reviewer, appeal.reason, appeal.answer,
        ),
    )  # fmt: skip
    return appeal


def one(connection: sqlite3.Connection, key: bytes) -> Appeal | None:
    """Return the appeal against the end of a node."""
    row = connection.execute(_ONE, (key,)).fetchone()
    return None if row is None else _appeal(row)


def newest(connection: sqlite3.Connection, limit: int) -> list[Appeal]:
    """Return appeals, those filed last first."""
    return [_appeal(row) for row in connection.execute(_ALL, (limit,))]


def forget(connection: sqlite3.Connection, before_ms: int) -> int:
    """Erase what was written in appeals decided before a time; return how many."""
    erase = (
        "UPDATE appeals SET words = x'', answer = x'' WHERE decided_at_ms < ?"
        " AND (words <> x'' OR answer <> x'')"
    )
    return connection.execute(erase, (before_ms,)).rowcount


def _appeal(row: tuple[Any, ...]) -> Appeal:
    node, filed, words, acknowledged, decided, state, reviewer, reason, answer = row
    return Appeal(
        NodeId(node.hex()), filed, bytes(words), acknowledged, decided, AppealState(state),
        reviewer, reason, bytes(answer),
    )  # fmt: skip
