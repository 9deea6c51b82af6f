"""Locks that hold while the database does not answer."""

import asyncio

import pytest

from adjourn.core.errors import StoreUnavailable
from adjourn.store.known_ends import KnownEnds

from .conftest import OpenSqlite
from .disk import Disk, hold_up
from .records import end_record, ending, entry, node_id, path


async def test_known_locks_hold_while_the_database_does_not_answer(
    open_sqlite: OpenSqlite,
) -> None:
    """Recorded by this process or looked up by it; what was reopened stays open."""
    store = open_sqlite()
    for name in ("looked up", "forgotten"):
        await store.append(ending(name))
    await store.aclose()
    store = open_sqlite()
    for name in ("recorded", "reopened"):
        await store.append(ending(name, 3))
    await store.look_up(path("looked up", 2))
    await store.look_up(path("reopened", 6))
    await store.reverse(node_id("reopened/3"), 5, entry("reversal"))
    await store.look_up(path("reopened", 6))
    await store.aclose()  # as good an outage as any
    assert (await store.look_up(path("recorded", 6))).end == end_record("recorded", 3)
    assert (await store.look_up(path("looked up", 6))).end == end_record("looked up")
    for name in ("reopened", "forgotten", "new"):
        with pytest.raises(StoreUnavailable):
            await store.look_up(path(name, 6))


async def test_what_was_looked_up_before_a_reversal_locks_nothing_after_it(
    open_sqlite: OpenSqlite,
) -> None:
    disk = Disk()
    store = open_sqlite(commit=disk.commit)
    await store.append(ending("a"))
    held = await hold_up(disk, store)
    reversal = asyncio.create_task(store.reverse(node_id("a/1"), 5, entry("reversal")))
    await asyncio.sleep(0)
    assert (await store.look_up(path("a", 2))).end == end_record("a")  # not yet reversed
    disk.going.set()
    await asyncio.gather(held, reversal)
    await store.aclose()
    with pytest.raises(StoreUnavailable):
        await store.look_up(path("a", 2))


def test_known_ends_are_limited() -> None:
    known = KnownEnds(2)
    for name in ("a", "b", "c"):
        known.note(end_record(name))
    assert [bool(known.on(path(name, 2))) for name in ("a", "b", "c")] == [False, True, True]
