"""The database that all gateways share: what is durable, and a network that loses and delays.

The gateways' own store, its connections' link and its group commit are the real ones; only what a
connection does with a query is played here, on rows kept in memory.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import asyncpg

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.entries import Append, EndRecord, Entry
from adjourn.core.tree import NodeId
from adjourn.ports import PathFacts
from adjourn.store.codec import AppendRows, end_record, entry_of, node_record, node_row
from adjourn.store.memory import MemoryStore

T = TypeVar("T")
Rows = tuple[Any, ...]


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("it waits")


class Database:
    """What is durable. Every method is one transaction."""

    def __init__(self) -> None:
        self.rows = MemoryStore()
        self.committed: Callable[[Append, bool], None] = lambda _append, _entered: None
        """Told of every turn that is durable now, and whether its entry is new."""
        self.reversed: Callable[[NodeId], None] = lambda _node: None

    @property
    def ends(self) -> dict[NodeId, EndRecord]:
        return self.rows._ends

    @property
    def entries(self) -> list[Entry]:
        return self.rows._entries

    def in_force(self, node: NodeId) -> bool:
        return node in self.ends and self.ends[node].statement.state == "in_force"

    def look_up(self, keys: Sequence[bytes]) -> tuple[PathFacts, list[EndRecord]]:
        path = [NodeId(key.hex()) for key in keys]
        ends = [self.ends[node] for node in path if self.in_force(node)]
        return at_once(self.rows.look_up(path)), ends

    def records(self, keys: Sequence[bytes]) -> list[Rows]:
        found = at_once(self.rows.records([NodeId(key.hex()) for key in keys]))
        return [node_row(record) for record in found.values()]

    def conversation(self, root: bytes) -> list[tuple[bytes, int]]:
        nodes = at_once(self.rows.conversation(NodeId(root.hex())))
        return [(bytes.fromhex(node), depth) for node, depth in nodes[1:]]

    def append(self, batch: Sequence[AppendRows]) -> dict[bytes, EndRecord]:
        earlier: dict[bytes, EndRecord] = {}
        for turn in batch:
            if turn.end is not None and turn.end[0].hex() in self.ends:
                earlier[turn.end[0]] = self.ends[NodeId(turn.end[0].hex())]
                continue
            end = None if turn.end is None else end_record((*turn.end[:2], *turn.end[4:], None))
            append = Append(tuple(map(node_record, turn.nodes)), entry_of(turn.entry[4]), end)
            before = len(self.entries)
            at_once(self.rows.append(append))
            self.committed(append, len(self.entries) > before)
        return earlier

    def put_appeal(self, appeal: Appeal, entry: Rows, expected: AppealState | None) -> Any:
        was = self.in_force(appeal.node)
        put = at_once(self.rows.put_appeal(appeal, entry_of(entry[4]), expected))
        if was and not self.in_force(appeal.node):
            self.reversed(appeal.node)
        return put

    def appeal(self, key: bytes) -> Appeal | None:
        return at_once(self.rows.appeal(NodeId(key.hex())))

    def forget_appeals(self, before_ms: int) -> int:
        return at_once(self.rows.forget_appeals(before_ms))

    def put_evidence(self, _key: bytes, _at_ms: int, _sealed: bytes) -> None:
        """Evidence is not the subject here."""

    def reversed_lately(self, _limit: int) -> list[NodeId]:
        return [node for node in self.ends if not self.in_force(node)]


class Network:
    """How the ways to the database are, for all gateways or for one."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self.database = database
        self.chance = chance
        self.down = False
        """The server refuses connections."""
        self.full = False
        """Its disk is full."""
        self.slow_s = 0.0
        self.lossy = 0.0
        """How often a connection is lost, before or after the server did what was asked."""
        self.black_holes: set[int] = set()
        """Gateways whose packets go nowhere."""
        self.dead: set[int] = set()
        """Processes that were killed: what they do has no effect."""
        self.generation = 0
        """Counts the server's crashes: connections from before are lost."""
        self.answered: Callable[[str], None] = lambda _query: None

    async def travel(self, process: int) -> None:
        """Go from the gateway to the server, or back."""
        await asyncio.sleep(self.chance.expovariate(1000) + self.slow_s * self.chance.random())
        if process in self.black_holes or process in self.dead:
            await asyncio.sleep(1e6)
        if self.down:
            raise ConnectionRefusedError("nobody listens")
        if self.chance.random() < self.lossy:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")


class Connection:
    """One connection; used once."""

    def __init__(self, network: Network, process: int) -> None:
        self.network = network
        self.process = process

    async def run(self, query: str, arguments: tuple[Any, ...]) -> Any:
        network, generation = self.network, self.network.generation
        try:
            await network.travel(self.process)
        except asyncio.CancelledError:
            self._perhaps_all_the_same(query, arguments)
            raise
        if query == "append" and network.full:
            raise asyncpg.DiskFullError("could not extend file: No space left on device")
        answer = getattr(network.database, query)(*arguments)
        await network.travel(self.process)
        if generation != network.generation:
            raise asyncpg.CrashShutdownError("the server crashed")
        network.answered(query)
        return answer

    def _perhaps_all_the_same(self, query: str, arguments: tuple[Any, ...]) -> None:
        """What nobody waits for any more may still arrive, and be carried out."""
        network = self.network
        if query == "append" and network.chance.random() < 0.3:
            later_s = network.chance.random() * 3
            if self.process in network.dead:
                return
            asyncio.get_running_loop().call_later(later_s, network.database.append, *arguments)

    def terminate(self) -> None:
        """Nothing is held."""


class Pool:
    """As many connections as the store's settings allow."""

    def __init__(self, network: Network, process: int, size: int) -> None:
        self._network = network
        self._process = process
        self._free = asyncio.Semaphore(size)

    async def acquire(self) -> Connection:
        await self._free.acquire()
        return Connection(self._network, self._process)

    async def release(self, _: Connection) -> None:
        self._free.release()

    async def close(self) -> None:
        """Nothing is held."""

    def terminate(self) -> None:
        """Nothing is held."""


class _Queries:
    """Stands in for the module of SQL queries."""

    def __getattr__(self, query: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def run(connection: Connection, *arguments: Any) -> Any:
            return await connection.run(query, arguments)

        return run


@contextmanager
def instead_of_postgres(network: Network) -> Iterator[None]:
    """Have stores that are opened talk to the simulated database; the URL names the process."""

    async def create_pool(url: str, *, max_size: int, **_: Any) -> Pool:
        return Pool(network, int(url.rpartition("/")[2]), max_size)

    async def migrate(*_: Any, **__: Any) -> None:
        """The schema is there."""

    with ExitStack() as stack:
        stack.enter_context(patch("asyncpg.create_pool", create_pool))
        stack.enter_context(patch("adjourn.store.postgres.migrate", migrate))
        stack.enter_context(patch("adjourn.store.postgres.queries", _Queries()))
        yield
