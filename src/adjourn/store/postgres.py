"""The store for several gateways: one PostgreSQL database, which all of them write to.

Lives here: the ``Store`` protocol. Does not live here: SQL (``postgres_queries``, ``migrations``),
rows (``codec``), group commit (``group_commit``), connections and outages (``postgres_link``).

A look-up always asks the database, so an end, or its reversal, made by one gateway holds for all
from the moment it is committed. Only while the database does not answer are ends told from memory.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

import asyncpg

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.entries import Append, EndRecord, Entry, NodeRecord
from adjourn.core.errors import StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow, PathFacts

from . import postgres_queries as queries
from .codec import (
    AppendRows,
    append_rows,
    entry_of,
    entry_row,
    is_node_id,
    key_of,
    ledger_row,
    node_record,
)
from .group_commit import GroupCommit
from .known_ends import KnownEnds
from .postgres_link import Link, PostgresSettings
from .postgres_migrations import Migration, migrate, shipped

T = TypeVar("T")

_KNOWN_ENDS: Final = 10_000
"""Ends kept in memory against an outage: about 20 MB."""
_REVERSED_LATELY: Final = 100
"""Reversals asked for each time the database is looked at. They are made by people, one by one."""

DEFAULTS = PostgresSettings()


class PostgresStore:
    """A store in a PostgreSQL database; made by ``open``, used in the event loop that made it."""

    def __init__(
        self, url: str, settings: PostgresSettings, migrations: Sequence[Migration]
    ) -> None:
        self._known_ends = KnownEnds(_KNOWN_ENDS)
        self._deadline_s = settings.deadline_s
        self._link = Link(
            url,
            settings,
            prepare=partial(migrate, schema=settings.schema, migrations=migrations),
            refresh=self._refresh,
        )
        self._appends = GroupCommit(self._write, settings.queue_limit, settings.batch_limit)
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        settings: PostgresSettings = DEFAULTS,
        *,
        migrations: Sequence[Migration] | None = None,
    ) -> "PostgresStore":
        """Open a database and bring its schema up to date.

        If the server cannot be reached, the store opens all the same: it is unavailable until the
        server is there.

        Args:
            url: ``postgresql://user@host:5432/database``, as libpq knows it.
            settings: Deadlines and limits.
            migrations: The schema's steps; those of this version of adjourn if not given.

        Raises:
            BadConfig: The server does not let us in, or the schema is of a newer adjourn or not
                adjourn's.
        """
        store = cls(url, settings, shipped() if migrations is None else migrations)
        await store._link.open()
        store._appends.start()
        return store

    @property
    def commits(self) -> int:
        """Transactions that this process committed since the store was opened."""
        return self._appends.commits

    @property
    def is_up(self) -> bool:
        """Whether the server answered when it was last looked at."""
        return self._link.is_up

    async def look_up(self, path: Sequence[NodeId]) -> PathFacts:
        """Return what is known of a path, given its node ids from the root downwards.

        If the database does not answer, an end that this process has seen lately is still told.
        """
        if not path:
            return PathFacts()
        keys = [key_of(node) for node in path]
        try:
            facts, ends = await self._ask(lambda c: queries.look_up(c, keys))
        except StoreUnavailable:
            known = self._known_ends.on(path)
            if known is None:
                raise
            return PathFacts(None, known)
        self._known_ends.found(path, ends)
        return facts

    async def records(self, path: Sequence[NodeId]) -> Mapping[NodeId, NodeRecord]:
        """Return every recorded node of a path."""
        if not path:
            return {}
        keys = [key_of(node) for node in path]
        found = map(node_record, await self._ask(lambda c: queries.records(c, keys)))
        return {record.node: record for record in found}

    async def conversation(self, root: NodeId) -> Sequence[tuple[NodeId, int]]:
        """Return ids and depths of all recorded nodes that stem from a root, the root included."""
        rows = await self._ask(lambda c: queries.conversation(c, key_of(root)))
        nodes = [(NodeId(node.hex()), depth) for node, depth in rows]
        return [(root, 0), *nodes] if nodes else []

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
        won = await self._appends.append(rows, self._deadline_s)
        if won is not None:
            self._known_ends.note(won)
        return won

    async def reverse(self, node: NodeId, at_ms: int, entry: Entry) -> bool:
        """Reverse the end at a node, which reopens it everywhere, and record the entry with it.

        Reversing again changes nothing but is recorded.

        Args:
            node: The ended node.
            at_ms: When, in milliseconds since the Unix epoch.
            entry: What the ledger says of it.

        Returns:
            Whether there is such an end; if not, nothing was recorded.
        """
        row = entry_row(entry)
        self._known_ends.reversing(node)
        return await self._ask(lambda c: queries.reverse(c, key_of(node), at_ms, row))

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
        return await self._ask(lambda c: queries.put_appeal(c, appeal, row, expected))

    async def appeal(self, node: NodeId) -> Appeal | None:
        """Return the appeal against the end at a node."""
        if not is_node_id(node):
            return None
        return await self._ask(lambda c: queries.appeal(c, key_of(node)))

    async def appeals(self, limit: int) -> Sequence[Appeal]:
        """Return appeals, those filed last first."""
        return await self._ask(lambda c: queries.appeals(c, limit))

    async def forget_appeals(self, before_ms: int) -> int:
        """Erase what was written in appeals that were decided before a time; return how many."""
        return await self._ask(lambda c: queries.forget_appeals(c, before_ms), again=False)

    async def put_evidence(self, node: NodeId, at_ms: int, sealed: bytes) -> None:
        """Keep what was written before an end, encrypted; what is kept already stays."""
        await self._ask(lambda c: queries.put_evidence(c, key_of(node), at_ms, sealed))

    async def evidence(self, node: NodeId) -> bytes | None:
        """Return what is kept of what was written before the end at a node."""
        if not is_node_id(node):
            return None
        return await self._ask(lambda c: queries.evidence(c, key_of(node)))

    async def erase_evidence(self, node: NodeId) -> bool:
        """Erase it; tell whether there was anything."""
        erased = await self._ask(lambda c: queries.erase_evidence(c, key_of(node)), again=False)
        return erased > 0

    async def forget_evidence(self, before_ms: int) -> int:
        """Erase all that was kept before a time; return how many."""
        return await self._ask(lambda c: queries.forget_evidence(c, before_ms), again=False)

    async def end_at(self, node: NodeId) -> EndRecord | None:
        """Return the end recorded at exactly this node, reversed or not."""
        if not is_node_id(node):
            return None
        return await self._ask(lambda c: queries.end(c, key_of(node)))

    async def node(self, node: NodeId) -> NodeRecord | None:
        """Return one recorded node."""
        if not is_node_id(node):
            return None
        row = await self._ask(lambda c: queries.node(c, key_of(node)))
        return None if row is None else node_record(row)

    async def entries(self, start: int, limit: int) -> Sequence[tuple[int, Entry]]:
        """Return ledger entries with their positions from ``start`` (0 is the first), in order."""
        rows = await self._ask(lambda c: queries.entries(c, start, limit))
        return [(position, entry_of(body)) for position, _, _, body in rows]

    async def rows(self, start: int, limit: int) -> Sequence[LedgerRow]:
        """Return ledger entries as they are stored, from position ``start`` on, in order."""
        rows = await self._ask(lambda c: queries.entries(c, start, limit))
        return [ledger_row(*row) for row in rows]

    async def aclose(self) -> None:
        """Finish what was accepted, then let go of the database."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self._appends.aclose()
        await self._link.aclose()

    async def _ask(
        self, query: Callable[[asyncpg.Connection], Awaitable[T]], *, again: bool = True
    ) -> T:
        """Run a query; ``again`` if it may be run twice and then says the same."""
        try:
            return await self._link.ask(query, again=again)
        except asyncpg.PostgresError as error:
            raise StoreUnavailable(f"cannot be done ({error})") from error

    async def _write(self, batch: Sequence[AppendRows]) -> dict[bytes, EndRecord]:
        return await self._link.run(lambda c: queries.append(c, batch), self._deadline_s)

    async def _refresh(self, connection: asyncpg.Connection) -> None:
        """Forget ends that were reversed elsewhere, so that no outage locks them again."""
        for node in await queries.reversed_lately(connection, _REVERSED_LATELY):
            self._known_ends.reversing(node)
