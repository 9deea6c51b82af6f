"""The embedded store: one SQLite file, in WAL mode, written by one connection.

Lives here: the ``Store`` protocol, and how the file is opened and closed. Does not live here: SQL
(``queries``), rows (``codec``), group commit (``writer``).
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.entries import Append, EndRecord, Entry, NodeRecord
from adjourn.core.errors import BadConfig, StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow, PathFacts

from . import appeal_queries, evidence_queries, queries
from .codec import (
    append_rows,
    end_record,
    entry_of,
    entry_row,
    is_node_id,
    key_of,
    ledger_row,
    node_record,
)
from .known_ends import KnownEnds
from .lock import FileLock
from .migrations import Migration, migrate, shipped
from .readers import Readers
from .writer import Commit, Writer, commit_now

T = TypeVar("T")

_KNOWN_ENDS: Final = 10_000
"""Ends kept in memory against an outage: about 20 MB."""


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """How patient the store is, and how much it lets wait."""

    deadline_s: float = 5.0
    """Seconds until a caller is told that the store is unavailable."""
    queue_limit: int = 8192
    """Appends, and look-ups, that may wait; more are refused at once. An append with its rows takes
    about 5 kB, so this is about 40 MB."""
    batch_limit: int = 512
    """Appends in one transaction."""
    readers: int = 2
    """Threads that read."""
    busy_s: float = 1.0
    """Seconds that SQLite itself waits for a file that somebody else has locked."""


DEFAULTS = SqliteSettings()


class SqliteStore:
    """A store in one file, for one gateway process; made by ``open``."""

    def __init__(
        self,
        *,
        lock: FileLock,
        ever_ended: set[NodeId],
        writer: Writer,
        readers: Readers,
        deadline_s: float,
    ) -> None:
        self._lock = lock
        self._ever_ended = ever_ended
        """Every node that was ever ended, and maybe some that almost were: a node is added before
        its end is committed and never removed, so a look-up of a path without any of them need not
        ask for ends. About 150 bytes each."""
        self._known_ends = KnownEnds(_KNOWN_ENDS)
        self._writer = writer
        self._readers = readers
        self._deadline_s = deadline_s
        self._closed = False

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        settings: SqliteSettings = DEFAULTS,
        *,
        commit: Commit = commit_now,
        migrations: Sequence[Migration] | None = None,
    ) -> "SqliteStore":
        """Open a database, or make it, with its folder; bring its schema up to date.

        Args:
            path: The file. ``-wal``, ``-shm`` and ``.lock`` are kept beside it.
            settings: Deadlines and limits.
            commit: How a transaction is committed; tests make it fail or dawdle.
            migrations: The schema's steps; those of this version of adjourn if not given.

        Raises:
            BadConfig: It is in use, of a newer adjourn, not a database of adjourn's, or cannot be
                opened.
        """
        file = Path(path).resolve()
        lock = FileLock(file)
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire()
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            ever_ended = _prepare(file, settings, shipped() if migrations is None else migrations)
            writer = Writer(
                partial(_connect, file, settings, "rw"),
                settings.queue_limit,
                settings.batch_limit,
                commit,
                partial(_still_there, file, _which(file)),
            )
            writer.start()
        except (OSError, sqlite3.Error) as error:
            lock.release()
            raise BadConfig(
                f"cannot be opened ({error})",
                file=str(file),
                key="store.path",
                hint="name a file in a folder that this user may write to",
            ) from error
        except BaseException:
            lock.release()
            raise
        readers = Readers(
            partial(_connect, file, settings, "ro"),
            threads=settings.readers,
            queue_limit=settings.queue_limit,
        )
        return cls(
            lock=lock,
            ever_ended=ever_ended,
            writer=writer,
            readers=readers,
            deadline_s=settings.deadline_s,
        )

    @property
    def commits(self) -> int:
        """Transactions committed since the store was opened."""
        return self._writer.commits

    async def look_up(self, path: Sequence[NodeId]) -> PathFacts:
        """Return what is known of a path, given its node ids from the root downwards.

        If the database does not answer, an end that this process has seen lately is still told.
        """
        suspects: Sequence[bytes] = ()
        if not self._ever_ended.isdisjoint(path):
            suspects = [key_of(node) for node in path if node in self._ever_ended]

        def query(connection: sqlite3.Connection) -> PathFacts:
            deepest = queries.deepest(connection, path)
            ended = queries.shallowest_end(connection, suspects) if suspects else None
            return PathFacts(
                None if deepest is None else node_record(deepest),
                None if ended is None else end_record(ended),
            )

        try:
            facts = await self._read(query)
        except StoreUnavailable:
            known = self._known_ends.on(path)
            if known is None:
                raise
            return PathFacts(None, known)
        if facts.end is not None:
            self._known_ends.note(facts.end)
        return facts

    async def records(self, path: Sequence[NodeId]) -> Mapping[NodeId, NodeRecord]:
        """Return every recorded node of a path."""
        keys = [key_of(node) for node in path]

        def query(connection: sqlite3.Connection) -> Mapping[NodeId, NodeRecord]:
            found = map(node_record, queries.records(connection, keys))
            return {record.node: record for record in found}

        return await self._read(query)

    async def conversation(self, root: NodeId) -> Sequence[tuple[NodeId, int]]:
        """Return ids and depths of all recorded nodes that stem from a root, the root included."""
        key = key_of(root)

        def query(connection: sqlite3.Connection) -> Sequence[tuple[NodeId, int]]:
            rows = queries.conversation(connection, key)
            nodes = [(NodeId(node.hex()), depth) for node, depth in rows]
            return [(root, 0), *nodes] if nodes else []

        return await self._read(query)

    async def append(self, append: Append) -> EndRecord | None:
        """Record a turn, all or nothing, and return once it is durable.

        Returns:
            The end in force at ``append.end.node``: the one given, or an earlier one that won, in
            which case nothing of this append was recorded; None if the append has no end.

        Raises:
            StoreUnavailable: Nothing was recorded, or sending the same again finds it recorded.
                Also if the end at this node was reversed: that stands, and the node stays open.
        """
        try:
            rows = append_rows(append)
        except (TypeError, ValueError) as error:
            raise StoreUnavailable(f"cannot be recorded ({error})") from error
        if append.end is not None:
            self._ever_ended.add(append.end.node)
        won: EndRecord | None = await self._writer.run(
            lambda connection: queries.append(connection, rows), self._deadline_s
        )
        if won is not None:
            self._known_ends.note(won)
        return won

    async def reverse(self, node: NodeId, at_ms: int, entry: Entry) -> bool:
        """Reverse the end at a node, which reopens it, and record the entry with it.

        Reversing again changes nothing but is recorded.

        Args:
            node: The ended node.
            at_ms: When, in milliseconds since the Unix epoch.
            entry: What the ledger says of it.

        Returns:
            Whether there is such an end; if not, nothing was recorded.
        """
        key, row = key_of(node), entry_row(entry)
        self._known_ends.reversing(node)
        known: bool = await self._writer.run(
            lambda connection: queries.reverse(connection, key, at_ms, row), self._deadline_s
        )
        return known

    async def put_appeal(
        self, appeal: Appeal, entry: Entry, expected: AppealState | None
    ) -> Appeal | None:
        """Record a step of an appeal with its entry, if the appeal stands as expected.

        Returns:
            The appeal as it stands now; None if there is no end at its node.
        """
        row = entry_row(entry)
        if appeal.state is AppealState.REVERSED:
            self._known_ends.reversing(appeal.node)
        put: Appeal | None = await self._writer.run(
            lambda connection: appeal_queries.put(connection, appeal, row, expected),
            self._deadline_s,
        )
        return put

    async def appeal(self, node: NodeId) -> Appeal | None:
        """Return the appeal against the end at a node."""
        if not is_node_id(node):
            return None
        return await self._read(lambda connection: appeal_queries.one(connection, key_of(node)))

    async def appeals(self, limit: int) -> Sequence[Appeal]:
        """Return appeals, those filed last first."""
        return await self._read(lambda connection: appeal_queries.newest(connection, limit))

    async def forget_appeals(self, before_ms: int) -> int:
        """Erase what was written in appeals that were decided before a time; return how many."""
        erased: int = await self._writer.run(
            lambda connection: appeal_queries.forget(connection, before_ms), self._deadline_s
        )
        return erased

    async def put_evidence(self, node: NodeId, at_ms: int, sealed: bytes) -> None:
        """Keep what was written before an end, encrypted; what is kept already stays."""
        key = key_of(node)
        await self._writer.run(
            lambda connection: evidence_queries.put(connection, key, at_ms, sealed),
            self._deadline_s,
        )

    async def evidence(self, node: NodeId) -> bytes | None:
        """Return what is kept of what was written before the end at a node."""
        return await self._read(lambda connection: evidence_queries.one(connection, key_of(node)))

    async def erase_evidence(self, node: NodeId) -> bool:
        """Erase it; tell whether there was anything."""
        key = key_of(node)
        erased: bool = await self._writer.run(
            lambda connection: evidence_queries.erase(connection, key), self._deadline_s
        )
        return erased

    async def forget_evidence(self, before_ms: int) -> int:
        """Erase all that was kept before a time; return how many."""
        erased: int = await self._writer.run(
            lambda connection: evidence_queries.forget(connection, before_ms), self._deadline_s
        )
        return erased

    async def end_at(self, node: NodeId) -> EndRecord | None:
        """Return the end recorded at exactly this node, reversed or not."""
        if not is_node_id(node):
            return None

        def query(connection: sqlite3.Connection) -> EndRecord | None:
            row = queries.end(connection, key_of(node))
            return None if row is None else end_record(row)

        return await self._read(query)

    async def node(self, node: NodeId) -> NodeRecord | None:
        """Return one recorded node."""
        if not is_node_id(node):
            return None

        def query(connection: sqlite3.Connection) -> NodeRecord | None:
            row = queries.node(connection, key_of(node))
            return None if row is None else node_record(row)

        return await self._read(query)

    async def entries(self, start: int, limit: int) -> Sequence[tuple[int, Entry]]:
        """Return ledger entries with their positions from ``start`` (0 is the first), in order."""

        def query(connection: sqlite3.Connection) -> Sequence[tuple[int, Entry]]:
            rows = queries.entries(connection, start, limit)
            return [(position, entry_of(body)) for position, body in rows]

        return await self._read(query)

    async def rows(self, start: int, limit: int) -> Sequence[LedgerRow]:
        """Return ledger entries as they are stored, from position ``start`` on, in order."""

        def query(connection: sqlite3.Connection) -> Sequence[LedgerRow]:
            return [ledger_row(*row) for row in queries.entry_rows(connection, start, limit)]

        return await self._read(query)

    async def aclose(self) -> None:
        """Finish what was accepted, then let go of the file."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._readers.close()
        self._writer.disconnect()  # last of all, so that it is the one that checkpoints
        self._lock.release()

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return await self._readers.run(query, self._deadline_s)


def _which(file: Path) -> tuple[int, int]:
    """Return what tells the file at a path from any other that was or will be there."""
    found = file.stat()
    return found.st_dev, found.st_ino


def _still_there(file: Path, opened: tuple[int, int]) -> None:
    """Refuse to write to a file that has no name any more: it is gone with this process.

    Raises:
        StoreUnavailable: The file was removed, or another one is in its place.
    """
    try:
        same = _which(file) == opened
    except OSError:
        same = False
    if not same:
        raise StoreUnavailable(f"{file} was removed or replaced; stop the gateway, put it back")


def _connect(file: Path, settings: SqliteSettings, mode: str) -> sqlite3.Connection:
    """Open a connection in autocommit mode; ``mode`` is rw or ro. Never creates the file."""
    connection = sqlite3.connect(
        f"{file.as_uri()}?mode={mode}",
        uri=True,
        timeout=settings.busy_s,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if mode == "ro":
            connection.execute("PRAGMA query_only = ON")
            return connection
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if journal != "wal":
            raise sqlite3.OperationalError("this file system does not allow write-ahead logging")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # matters on macOS only
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(file: Path, settings: SqliteSettings, migrations: Sequence[Migration]) -> set[NodeId]:
    connection = _connect(file, settings, "rw")
    try:
        migrate(connection, str(file), migrations)
        return queries.ended(connection)
    finally:
        connection.close()
