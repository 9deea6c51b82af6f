"""The PostgreSQL store's SQL. Writing is one call of a function of the schema's each time."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.entries import EndRecord
from adjourn.core.tree import NodeId
from adjourn.ports import PathFacts

from .codec import NODE_COLUMNS, AppendRows, Row, end_record, key_of, node_record

_TAIL: Final = 3
"""How many of a path's deepest nodes are looked up first."""

_NODE: Final = f"SELECT {NODE_COLUMNS} FROM nodes WHERE node = $1"  # noqa: S608 - our own columns
_RECORDS: Final = f"SELECT {NODE_COLUMNS} FROM nodes WHERE node = ANY ($1::bytea[])"  # noqa: S608
_DEEPEST: Final = f"""
SELECT {", ".join("nodes." + column.strip() for column in NODE_COLUMNS.split(","))}
FROM unnest($1::bytea[]) WITH ORDINALITY AS path (node, depth) JOIN nodes USING (node)
ORDER BY path.depth DESC LIMIT 1
"""  # noqa: S608 - our own columns
_LOOK_UP: Final = f"""
SELECT false, {NODE_COLUMNS}, NULL::bytea FROM nodes WHERE node = ANY ($1::bytea[])
UNION ALL
SELECT true, node, root, root, 0, '', '', '', statement, 0, NULL, NULL, closing
FROM ends WHERE node = ANY ($2::bytea[]) AND reversed_at_ms IS NULL
"""  # noqa: S608 - our own columns
_END: Final = "SELECT node, root, statement, closing, reversed_at_ms FROM ends WHERE node = $1"
_APPEND: Final = f"""
SELECT node, root, statement, closing, reversed_at_ms
FROM append_turns({", ".join(f"${number}" for number in range(1, 25))})
"""  # noqa: S608 - numbers of parameters
_APPEAL_COLUMNS: Final = (
    "node, filed_at_ms, words, acknowledged_at_ms, decided_at_ms, state, reviewer, reason, answer"
)


def path_facts(path: Sequence[bytes], rows: Sequence[Row]) -> tuple[PathFacts, list[EndRecord]]:
    """Return what a look-up's rows say of a path, and all of its ends that are in force."""
    depth = {key: at for at, key in enumerate(path)}
    nodes = [row[1:12] for row in rows if not row[0]]
    deepest = max(nodes, key=lambda row: depth[row[0]], default=None)
    found = [_end((row[1], row[2], row[8], row[12], None)) for row in rows if row[0]]
    ends = sorted(found, key=lambda end: depth[key_of(end.node)])
    facts = PathFacts(
        None if deepest is None else node_record(tuple(deepest)), ends[0] if ends else None
    )
    return facts, ends


async def look_up(
    connection: asyncpg.Connection, path: Sequence[bytes]
) -> tuple[PathFacts, list[EndRecord]]:
    """Return what is known of a path, and all of its ends that are in force, shallowest first.

    One query nearly always does: a request's newest one or two messages are new to the store, and
    the next is its own last reply. Ends are asked for on the whole path.
    """
    facts, ends = path_facts(path, await connection.fetch(_LOOK_UP, path[-_TAIL:], path))
    if facts.deepest is None and len(path) > _TAIL:
        row = await connection.fetchrow(_DEEPEST, path[:-_TAIL])
        facts = PathFacts(None if row is None else node_record(tuple(row)), facts.end)
    return facts, ends


async def append(
    connection: asyncpg.Connection, batch: Sequence[AppendRows]
) -> dict[bytes, EndRecord]:
    """Record turns in one transaction; no node, end or entry may occur twice.

    Returns:
        Ends that were there before, by node: the turns that wanted to end there recorded nothing.
    """
    nodes = [(turn, *row) for turn, rows in enumerate(batch) for row in rows.nodes]
    ends = [(turn, *_stored(rows.end)) for turn, rows in enumerate(batch) if rows.end]
    arguments = (
        *_columns(nodes, 12),
        *_columns([rows.entry for rows in batch], 5),
        *_columns(ends, 7),
    )
    earlier = await connection.fetch(_APPEND, *arguments)
    return {bytes(row[0]): _end(row) for row in earlier}


def _columns(rows: Sequence[Row], width: int) -> list[Sequence[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width


async def reverse(connection: asyncpg.Connection, key: bytes, at_ms: int, entry: Row) -> bool:
    """Reverse an end and record the entry; tell whether there is such an end."""
    known: bool = await connection.fetchval(
        "SELECT reverse_end($1, $2, $3, $4, $5, $6, $7)", key, at_ms, *entry
    )
    return known


async def put_appeal(
    connection: asyncpg.Connection, appeal: Appeal, entry: Row, expected: AppealState | None
) -> Appeal | None:
    """Record a step of an appeal, if it stands as expected; return it as it stands then."""
    row = await connection.fetchrow(
        f"SELECT {_APPEAL_COLUMNS} FROM put_appeal("  # noqa: S608 - our own columns
        "ROW($1, $2, $3, $4, $5, $6, $7, $8, $9)::appeals, $10, $11, $12, $13, $14, $15)",
        key_of(appeal.node), appeal.filed_at_ms, appeal.words, appeal.acknowledged_at_ms,
        appeal.decided_at_ms, str(appeal.state), appeal.reviewer, appeal.reason, appeal.answer,
        None if expected is None else str(expected), *entry,
    )  # fmt: skip
    return None if row is None else _appeal(row)


async def appeal(connection: asyncpg.Connection, key: bytes) -> Appeal | None:
    """Return the appeal against the end of a node."""
    select = f"SELECT {_APPEAL_COLUMNS} FROM appeals WHERE node = $1"  # noqa: S608
    row = await connection.fetchrow(select, key)
    return None if row is None else _appeal(row)


async def appeals(connection: asyncpg.Connection, limit: int) -> Sequence[Appeal]:
    """Return appeals, those filed last first."""
    select = f"SELECT {_APPEAL_COLUMNS} FROM appeals ORDER BY filed_at_ms DESC LIMIT $1"  # noqa: S608
    return [_appeal(row) for row in await connection.fetch(select, limit)]


async def forget_appeals(connection: asyncpg.Connection, before_ms: int) -> int:
    """Erase what was written in appeals decided before a time; return how many."""
    erase = (
        "WITH erased AS (UPDATE appeals SET words = '', answer = '' WHERE decided_at_ms < $1"
        " AND (words <> '' OR answer <> '') RETURNING 1) SELECT count(*) FROM erased"
    )
    count: int = await connection.fetchval(erase, before_ms)
    return count


async def put_evidence(
    connection: asyncpg.Connection, key: bytes, at_ms: int, sealed: bytes
) -> None:
    """Keep what was written before an end; what is kept already stays."""
    insert = "INSERT INTO evidence (node, at_ms, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    await connection.execute(insert, key, at_ms, sealed)


async def evidence(connection: asyncpg.Connection, key: bytes) -> bytes | None:
    """Return what is kept for a node."""
    sealed: bytes | None = await connection.fetchval(
        "SELECT sealed FROM evidence WHERE node = $1", key
    )
    return sealed


async def erase_evidence(connection: asyncpg.Connection, key: bytes) -> int:
    """Erase what is kept for a node; return how many."""
    return len(await connection.fetch("DELETE FROM evidence WHERE node = $1 RETURNING 1", key))


async def forget_evidence(connection: asyncpg.Connection, before_ms: int) -> int:
    """Erase what was kept before a time; return how many."""
    erase = (
        "WITH erased AS (DELETE FROM evidence WHERE at_ms < $1 RETURNING 1)"
        " SELECT count(*) FROM erased"
    )
    count: int = await connection.fetchval(erase, before_ms)
    return count


async def records(connection: asyncpg.Connection, path: Sequence[bytes]) -> Sequence[Row]:
    """Return every recorded node of a path, in no particular order."""
    return [tuple(row) for row in await connection.fetch(_RECORDS, path)]


async def conversation(connection: asyncpg.Connection, root: bytes) -> Sequence[Row]:
    """Return ids and depths of all nodes that stem from a root, shallowest first."""
    select = "SELECT node, depth FROM nodes WHERE root = $1 ORDER BY depth, node"
    return [tuple(row) for row in await connection.fetch(select, root)]


async def node(connection: asyncpg.Connection, key: bytes) -> Row | None:
    """Return one node."""
    row = await connection.fetchrow(_NODE, key)
    return None if row is None else tuple(row)


async def end(connection: asyncpg.Connection, key: bytes) -> EndRecord | None:
    """Return the end at exactly this node, reversed or not."""
    row = await connection.fetchrow(_END, key)
    return None if row is None else _end(row)


async def reversed_lately(connection: asyncpg.Connection, limit: int) -> Sequence[NodeId]:
    """Return nodes whose end was reversed, the newest ones."""
    select = (
        "SELECT node FROM ends WHERE reversed_at_ms IS NOT NULL"
        " ORDER BY reversed_at_ms DESC LIMIT $1"
    )
    return [NodeId(row[0].hex()) for row in await connection.fetch(select, limit)]


async def entries(connection: asyncpg.Connection, start: int, limit: int) -> Sequence[Row]:
    """Return position, leaf_hash, at_ms and body of entries from ``start`` on, in order."""
    select = (
        "SELECT position, leaf_hash, at_ms, body FROM entries"
        " WHERE position >= $1 ORDER BY position LIMIT $2"
    )
    return [tuple(row) for row in await connection.fetch(select, start, limit)]


def _stored(end: Row) -> Row:
    """Return an end's row as this schema has it: the closing reply as UTF-8."""
    return (*end[:-1], end[-1].encode())


def _end(row: Row) -> EndRecord:
    key, root, statement, closing, reversed_at_ms = row
    return end_record((key, root, statement, closing.decode(), reversed_at_ms))


def _appeal(row: Row) -> Appeal:
    key, filed, words, acknowledged, decided, state, reviewer, reason, answer = row
    return Appeal(
        NodeId(key.hex()), filed, words, acknowledged, decided, AppealState(state),
        reviewer, reason, answer,
    )  # fmt: skip
