"""SQLite and PostgreSQL against a model of thirty lines, on histories that nobody thought of."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adjourn.core.decisions import Delivered
from adjourn.core.entries import Append, EndRecord, Entry, NodeRecord
from adjourn.core.errors import StoreUnavailable
from adjourn.core.ladder import CrisisStatus
from adjourn.core.tree import NodeId
from adjourn.store.memory import MemoryStore
from adjourn.store.postgres import PostgresStore
from adjourn.store.postgres_link import PostgresSettings
from adjourn.store.sqlite import SqliteStore
from tests.postgres import PostgresServer

from .conftest import AnyStore, new_schema
from .records import ASSESSED, CLIMBED, UNSURE, end_record, entry, node, node_id

NAMES = ("a", "b")
DEPTHS = 6
PATHS = {name: [node_id(f"{name}/{depth}") for depth in range(1, DEPTHS + 2)] for name in NAMES}


@dataclass
class Model:
    """The docstring of ``Store.append``, in the plainest words."""

    nodes: dict[NodeId, NodeRecord] = field(default_factory=dict)
    states_know: dict[NodeId, set[str]] = field(default_factory=dict)
    ends: dict[NodeId, EndRecord] = field(default_factory=dict)
    reversed: set[NodeId] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)

    def append(self, append: Append) -> EndRecord | None:
        if append.end:
            if append.end.node in self.reversed:
                raise StoreUnavailable
            if append.end.node in self.ends:
                return self.ends[append.end.node]
            self.ends[append.end.node] = append.end
        for new in append.nodes:
            self.put(new)
        self.enter(append.entry)
        return append.end

    def put(self, new: NodeRecord) -> None:
        knows = set()
        if new.assessment or new.delivered:
            knows.add("its own")
        if new.state.crisis is not CrisisStatus.UNKNOWN:
            knows.add("crisis")
        old = self.nodes.get(new.node)
        if old is None:
            self.nodes[new.node], self.states_know[new.node] = new, knows
            return
        merged = replace(
            old,
            assessment=old.assessment or new.assessment,
            delivered=old.delivered or new.delivered,
        )
        other = (old.policy_digest, old.audience) != (new.policy_digest, new.audience)
        if other or knows - self.states_know[new.node]:
            merged = replace(
                merged, policy_digest=new.policy_digest, audience=new.audience, state=new.state
            )
            self.states_know[new.node] = knows
        self.nodes[new.node] = merged

    def enter(self, entry: Entry) -> None:
        if entry not in self.entries:
            self.entries.append(entry)


nodes = st.builds(
    node,
    st.sampled_from(NAMES),
    st.integers(1, DEPTHS),
    policy=st.sampled_from(["policy-1", "policy-2"]),
    audience=st.sampled_from(["adult", "minor"]),
    state=st.sampled_from([None, CLIMBED, UNSURE]),
    assessment=st.sampled_from([None, ASSESSED, replace(ASSESSED, abuse=0.5)]),
    delivered=st.sampled_from([None, Delivered.WARNING, Delivered.NOTHING]),
)
ends = st.builds(
    end_record,
    st.sampled_from(NAMES),
    st.integers(1, 3),
    closing=st.sampled_from(["one", "two"]),
)
entries = st.builds(entry, st.sampled_from(NAMES), st.integers(1, 2), at_ms=st.integers(0, 3))
appends = st.builds(
    Append,
    st.lists(nodes, max_size=4, unique_by=lambda node: node.node).map(tuple),
    entries,
    st.one_of(st.none(), ends),
)
gateways = st.integers(0, 1)


class Stores(RuleBasedStateMachine):
    """SQLite (reopened at will), memory and model are told the same."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.memory = MemoryStore()
        self.folder = tempfile.TemporaryDirectory()
        self.schema = new_schema()
        self.runner = asyncio.Runner()
        self.opened: list[SqliteStore] | list[PostgresStore] = self.runner.run(self.open())

    async def open(self) -> list[SqliteStore] | list[PostgresStore]:
        return [SqliteStore.open(Path(self.folder.name) / "store.sqlite3")]

    def of(self, gateway: int) -> SqliteStore | PostgresStore:
        """The store that one of the gateways has open."""
        return self.opened[gateway % len(self.opened)]

    async def close(self) -> None:
        for store in self.opened:
            await store.aclose()

    def teardown(self) -> None:
        self.runner.run(self.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(append=appends, gateway=gateways)
    def append(self, append: Append, gateway: int) -> None:
        outcomes: list[object] = []
        for store in (self.of(gateway), self.memory):
            try:
                outcomes.append(self.runner.run(store.append(append)))
            except StoreUnavailable:
                outcomes.append(StoreUnavailable)
        try:
            expected: object = self.model.append(append)
        except StoreUnavailable:
            expected = StoreUnavailable
        assert outcomes == [expected, expected]

    @rule(
        several=st.lists(appends.filter(lambda append: append.end is None), max_size=5),
        gateway=gateways,
    )
    def append_at_once(self, several: list[Append], gateway: int) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*(self.of(gateway).append(append) for append in several))

        self.runner.run(all_of_them())
        for append in several:
            self.runner.run(self.memory.append(append))
            self.model.append(append)

    @rule(
        name=st.sampled_from(NAMES),
        depth=st.integers(1, 3),
        at_ms=st.integers(10, 12),
        gateway=gateways,
    )
    def reverse(self, name: str, depth: int, at_ms: int, gateway: int) -> None:
        ended, told = node_id(f"{name}/{depth}"), entry(name, depth, at_ms=at_ms)
        known = ended in self.model.ends
        for store in (self.of(gateway), self.memory):
            assert self.runner.run(store.reverse(ended, at_ms, told)) is known
        if known:
            self.model.reversed.add(ended)
            self.model.enter(told)

    @rule()
    def restart(self) -> None:
        self.runner.run(self.close())
        self.opened = self.runner.run(self.open())

    @invariant()
    def all_answer_alike(self) -> None:
        for store in (*self.opened, self.memory):
            self.runner.run(self._compare(store))

    async def _compare(self, store: AnyStore) -> None:
        model = self.model
        assert [told for _, told in await store.entries(0, 1000)] == model.entries
        for name, path in PATHS.items():
            known = {node: model.nodes[node] for node in path if node in model.nodes}
            assert await store.records(path) == known
            listed = [(record.node, record.depth) for record in known.values()]
            expected = [(node_id(name), 0), *listed] if listed else []
            assert await store.conversation(node_id(name)) == expected
            for length in (1, 3, DEPTHS + 1):
                facts = await store.look_up(path[:length])
                deepest = [model.nodes[node] for node in path[:length] if node in model.nodes]
                assert facts.deepest == (deepest[-1] if deepest else None)
                locked = [n for n in path[:length] if n in model.ends and n not in model.reversed]
                assert facts.end == (model.ends[locked[0]] if locked else None)
            for ended in path[:3]:
                end = await store.end_at(ended)
                assert (end is None) == (ended not in model.ends)
                if end is not None:
                    reversed_ = end.statement.state == "reversed"
                    assert reversed_ == (ended in model.reversed)
                    assert end.closing == model.ends[ended].closing


class GatewaysOnPostgres(Stores):
    """The same told to two gateways on one PostgreSQL schema, now to one, now to the other."""

    server: ClassVar[PostgresServer]

    async def open(self) -> list[SqliteStore] | list[PostgresStore]:
        settings = PostgresSettings(schema=self.schema)
        return [await PostgresStore.open(self.server.url(), settings) for _ in range(2)]


@pytest.fixture(scope="module")
def _server(postgres: PostgresServer) -> Iterator[None]:
    GatewaysOnPostgres.server = postgres
    yield
    del GatewaysOnPostgres.server


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=8, stateful_step_count=10)

TestGateways = pytest.mark.usefixtures("_server")(GatewaysOnPostgres.TestCase)
TestGateways.settings = settings(max_examples=5, stateful_step_count=8)


class StoresAtLength(Stores):
    """The same, for longer."""


class GatewaysAtLength(GatewaysOnPostgres):
    """The same, for longer."""


TestStoresAtLength = pytest.mark.slow(StoresAtLength.TestCase)
TestStoresAtLength.settings = settings(max_examples=150, stateful_step_count=30)

TestGatewaysAtLength = pytest.mark.slow(
    pytest.mark.usefixtures("_server")(GatewaysAtLength.TestCase)
)
TestGatewaysAtLength.settings = settings(max_examples=60, stateful_step_count=30)
