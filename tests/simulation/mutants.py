"""Gateways with a bug each, to show that the simulator would find it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from adjourn.core import turns as t
from adjourn.core.assessments import Assessed, Unknown
from adjourn.core.entries import Append
from adjourn.core.errors import StoreUnavailable
from adjourn.core.exchange import Exchange
from adjourn.core.ladder import CrisisStatus, crisis_of
from adjourn.core.pause import Pause
from adjourn.core.policy import Policy
from adjourn.core.tree import NodeId
from adjourn.ports import PathFacts
from adjourn.runtime.driver import Driver
from adjourn.store.group_commit import GroupCommit
from adjourn.store.known_ends import KnownEnds
from adjourn.store.postgres import PostgresStore

from .database import Connection


@contextmanager
def acknowledged_before_it_is_committed() -> Iterator[None]:
    """Group commit tells its waiters first and writes then."""
    commit = GroupCommit._commit

    async def hasty(self: GroupCommit, jobs: Sequence[Any]) -> None:
        for job in jobs:
            job.resolve({})
        await commit(self, jobs)

    with patch.object(GroupCommit, "_commit", hasty):
        yield


@contextmanager
def locked_on_one_gateway_only() -> Iterator[None]:
    """A gateway takes locks from its own memory and does not ask the database for others."""
    look_up = PostgresStore.look_up

    async def forgetful(self: PostgresStore, path: Sequence[NodeId]) -> PathFacts:
        own = self._known_ends.on(path)
        facts = await look_up(self, path)
        return facts if own is not None else facts._replace(end=None)

    with patch.object(PostgresStore, "look_up", forgetful):
        yield


@contextmanager
def a_retry_records_twice() -> Iterator[None]:
    """What may not have been recorded is recorded again, as something new."""
    append = Driver._append

    async def again(self: Driver, turn: Append) -> t.Event:
        event = await append(self, turn)
        if isinstance(event, t.NotRecorded):
            later = replace(turn.entry, at_ms=turn.entry.at_ms + 1)
            return await append(self, replace(turn, entry=later))
        return event

    with patch.object(Driver, "_append", again):
        yield


@contextmanager
def ended_though_it_is_not_recorded() -> Iterator[None]:
    """The store failed, and the client is told of the end all the same."""

    async def careless(self: Driver, append: Append) -> t.Event:
        try:
            return t.Recorded(await self._store.append(append))
        except StoreUnavailable:
            return t.Recorded(append.end)

    with patch.object(Driver, "_append", careless):
        yield


@contextmanager
def known_locks_are_forgotten_in_an_outage() -> Iterator[None]:
    """While the database is away, nothing is locked."""
    with patch.object(KnownEnds, "on", lambda _self, _path: None):
        yield


@contextmanager
def a_reversal_reaches_one_gateway_only() -> Iterator[None]:
    """A lock once seen is always told from memory, whatever the database says."""
    look_up = PostgresStore.look_up

    async def stubborn(self: PostgresStore, path: Sequence[NodeId]) -> PathFacts:
        known = self._known_ends.on(path)
        facts = await look_up(self, path)
        return facts if known is None else facts._replace(end=known)

    with patch.object(PostgresStore, "look_up", stubborn):
        yield


@contextmanager
def what_nobody_judged_is_harmless() -> Iterator[None]:
    """A detector that failed counts as one that saw no crisis."""

    def clear(policy: Policy, assessed: Assessed) -> CrisisStatus:
        found = crisis_of(policy, assessed)
        unknown = isinstance(assessed, Unknown) and found is CrisisStatus.UNKNOWN
        return CrisisStatus.CLEAR if unknown else found

    with patch("adjourn.core.ladder.crisis_of", clear):
        yield


@contextmanager
def a_lost_answer_is_recorded_again() -> Iterator[None]:
    """The database forgets that it has an entry already."""
    run = Connection.run

    async def run_twice(self: Connection, query: str, arguments: tuple[Any, ...]) -> Any:
        if query == "append":
            self.network.database.rows._leaves.clear()
        return await run(self, query, arguments)

    with patch.object(Connection, "run", run_twice):
        yield


@contextmanager
def paused_though_it_is_not_recorded() -> Iterator[None]:
    """The store failed, and the model is not asked all the same."""

    def careless(self: Exchange, _pause: Pause, reply: t.Reply, _event: t.Event) -> t.Command:
        return self._answer(reply)

    with patch.object(Exchange, "_held", careless):
        yield


MUTANTS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    mutant.__name__: mutant
    for mutant in (
        acknowledged_before_it_is_committed,
        locked_on_one_gateway_only,
        a_retry_records_twice,
        ended_though_it_is_not_recorded,
        known_locks_are_forgotten_in_an_outage,
        a_reversal_reaches_one_gateway_only,
        what_nobody_judged_is_harmless,
        a_lost_answer_is_recorded_again,
        paused_though_it_is_not_recorded,
    )
}
