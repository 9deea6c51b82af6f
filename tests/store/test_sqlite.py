"""What a disk does to a store: slow, full, failing; and how appends share its syncs."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from adjourn.core.entries import Append
from adjourn.core.errors import StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.store.sqlite import DEFAULTS, SqliteStore

from .conftest import OpenSqlite
from .disk import Disk, hold_up, io_error
from .records import ending, entry, node, node_id, path, turn

IMPATIENT = replace(DEFAULTS, deadline_s=0.05)


async def test_what_waits_is_committed_together(open_sqlite: OpenSqlite) -> None:
    disk = Disk()
    store = open_sqlite(commit=disk.commit)
    held = await hold_up(disk, store)
    waiting = [asyncio.create_task(store.append(turn(f"c{number}"))) for number in range(200)]
    await asyncio.sleep(0)
    disk.going.set()
    await asyncio.gather(held, *waiting)
    assert disk.commits == store.commits == 2
    assert len(await store.entries(0, 1000)) == 201


async def test_a_batch_is_limited(open_sqlite: OpenSqlite) -> None:
    disk = Disk()
    store = open_sqlite(replace(DEFAULTS, batch_limit=10), commit=disk.commit)
    held = await hold_up(disk, store)
    waiting = [asyncio.create_task(store.append(turn(f"c{number}"))) for number in range(35)]
    await asyncio.sleep(0)
    disk.going.set()
    await asyncio.gather(held, *waiting)
    assert disk.commits == 1 + 4


async def test_many_tasks_append_and_all_of_it_is_there_after_a_restart(
    open_sqlite: OpenSqlite,
) -> None:
    store = open_sqlite()

    async def converse(number: int) -> None:
        for depth in (1, 3, 5):
            await store.append(turn(f"c{number}", depth))

    await asyncio.gather(*(converse(number) for number in range(50)))
    assert store.commits < 150
    await store.aclose()
    again = open_sqlite()
    assert [position for position, _ in await again.entries(0, 1000)] == list(range(150))
    for number in range(50):
        assert len(await again.records(path(f"c{number}", 6))) == 6


async def test_a_full_queue_refuses_at_once_and_what_waited_is_recorded(
    open_sqlite: OpenSqlite,
) -> None:
    disk = Disk()
    store = open_sqlite(replace(DEFAULTS, queue_limit=3), commit=disk.commit)
    held = await hold_up(disk, store)
    waiting = [asyncio.create_task(store.append(turn(f"c{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="waiting"):
        await store.append(turn("refused"))
    disk.going.set()
    await asyncio.gather(held, *waiting)
    assert await store.look_up(path("refused", 2)) == await store.look_up([])
    assert await store.append(turn("refused")) is None


async def test_a_slow_disk_is_waited_for_until_the_deadline(open_sqlite: OpenSqlite) -> None:
    disk = Disk()
    store = open_sqlite(IMPATIENT, commit=disk.commit)
    held = await hold_up(disk, store)
    with pytest.raises(StoreUnavailable, match=r"0\.05 seconds"):
        await store.append(ending("never begun"))
    with pytest.raises(StoreUnavailable):
        await held
    disk.going.set()
    await store.aclose()
    again = open_sqlite()
    # What the writer had begun is recorded, what it had not begun is not: either way all of it.
    assert len(await again.records(path("held up", 2))) == 2
    assert await again.end_at(node_id("never begun/1")) is None
    assert len(await again.entries(0, 10)) == 1


async def test_a_slow_look_up_is_waited_for_until_the_deadline(open_sqlite: OpenSqlite) -> None:
    store = open_sqlite(replace(IMPATIENT, readers=1, queue_limit=2))
    going = threading.Event()
    stuck = asyncio.create_task(store._read(lambda _: going.wait()))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(store.look_up(path("a", 3)))
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="waiting"):
        await store.look_up(path("a", 3))
    for task in (stuck, waiting):
        with pytest.raises(StoreUnavailable, match=r"0\.05 seconds"):
            await task
    going.set()
    await store.append(turn("a"))


async def test_a_caller_that_leaves_does_not_take_its_append_along(
    open_sqlite: OpenSqlite,
) -> None:
    disk = Disk()
    store = open_sqlite(commit=disk.commit)
    held = await hold_up(disk, store)
    leaving = asyncio.create_task(store.append(ending("a")))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    disk.going.set()
    await held
    await store.append(turn("b"))
    assert (await store.look_up(path("a", 2))).end is not None


async def test_a_failed_group_is_retried_one_by_one(open_sqlite: OpenSqlite) -> None:
    disk = Disk()
    store = open_sqlite(commit=disk.commit)
    held = await hold_up(disk, store)
    disk.failures = [io_error(), io_error()]  # the held-up one alone, then the group
    waiting = [asyncio.create_task(store.append(turn(f"c{number}"))) for number in range(5)]
    await asyncio.sleep(0)
    disk.going.set()
    with pytest.raises(StoreUnavailable, match="disk I/O error"):
        await held
    await asyncio.gather(*waiting)
    assert disk.commits == 1 + 1 + 5
    assert len(await store.entries(0, 100)) == 5
    assert await store.records(path("held up", 2)) == {}


async def test_one_bad_append_does_not_poison_the_others(open_sqlite: OpenSqlite) -> None:
    disk = Disk()
    store = open_sqlite(commit=disk.commit)
    held = await hold_up(disk, store)
    too_deep = Append((replace(node("bad"), depth=2**70),), entry("bad"))
    waiting = [
        asyncio.create_task(store.append(append))
        for append in (turn("a"), too_deep, ending("b"), turn("c"))
    ]
    await asyncio.sleep(0)
    disk.going.set()
    await held
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "NoneType", "StoreUnavailable", "EndRecord", "NoneType",
    ]  # fmt: skip
    assert await store.node(node_id("bad/1")) is None
    assert len(await store.entries(0, 10)) == 4


@pytest.mark.parametrize("failing", range(1, 9))
async def test_whichever_commit_fails_nothing_is_acknowledged_falsely(
    open_sqlite: OpenSqlite, failing: int
) -> None:
    disk = Disk()
    store = open_sqlite(commit=disk.commit)
    acknowledged: list[str] = []
    for number in range(8):
        if number + 1 == failing:
            disk.failures = [io_error()]
        try:
            await store.append(ending(f"c{number}"))
            acknowledged.append(f"c{number}")
        except StoreUnavailable:
            assert number + 1 == failing
    await store.aclose()
    again = open_sqlite()
    recorded = [f"c{n}" for n in range(8) if await again.end_at(node_id(f"c{n}/1"))]
    assert recorded == acknowledged
    assert len(recorded) == 7


async def test_a_full_disk_is_told_and_heals(open_sqlite: OpenSqlite) -> None:
    store = open_sqlite()
    await store.append(turn("before"))
    await store._writer.run(_limit_pages(1), 5)  # SQLite raises it to what is used already
    failed = 0
    for number in range(200):
        try:
            await store.append(ending(f"c{number}"))
        except StoreUnavailable:
            failed += 1
    assert failed > 0
    with pytest.raises(StoreUnavailable, match="full"):
        await store.append(Append(tuple(node("big", d) for d in range(500)), entry("big")))
    assert len(await store.entries(0, 1000)) == 201 - failed
    assert (await store.look_up(path("before", 2))).deepest is not None
    await store._writer.run(_limit_pages(2**30), 5)
    for number in range(200):
        assert await store.append(ending(f"c{number}")) is not None
    assert len(await store.entries(0, 1000)) == 201


def _limit_pages(count: int) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(f"PRAGMA max_page_count = {count}").fetchone()


async def test_somebody_else_holding_the_file_is_told_and_heals(
    open_sqlite: OpenSqlite, tmp_path: Path
) -> None:
    store = open_sqlite(replace(DEFAULTS, busy_s=0.01))
    other = sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.append(turn("a"))
        outcomes = await asyncio.gather(
            *(store.append(turn(f"c{number}")) for number in range(3)), return_exceptions=True
        )
        assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
        other.execute("ROLLBACK")
    finally:
        other.close()
    await store.append(turn("a"))


async def test_a_closed_store_says_so(open_sqlite: OpenSqlite) -> None:
    store = open_sqlite()
    await store.append(turn("a"))
    await store.aclose()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.append(turn("b"))
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.look_up(path("a", 2))


async def test_closing_finishes_what_was_accepted(open_sqlite: OpenSqlite) -> None:
    disk = Disk()
    store = open_sqlite(commit=disk.commit)
    held = await hold_up(disk, store)
    waiting = asyncio.create_task(store.append(ending("a")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.aclose())
    await asyncio.sleep(0)
    disk.going.set()
    await asyncio.gather(held, waiting, closing)
    assert (await open_sqlite().look_up(path("a", 2))).end is not None


async def test_the_deepest_of_a_path_costs_the_same_however_many_are_recorded(
    open_sqlite: OpenSqlite,
) -> None:
    """Counted in steps of SQLite's machine, which do not depend on the hour."""
    store = open_sqlite(replace(DEFAULTS, readers=1))
    steps = {}
    for recorded in (10, 1000):
        nodes = tuple(node(f"n{recorded}", depth) for depth in range(1, recorded + 1))
        await store.append(Append(nodes, entry("put", at_ms=recorded)))
        steps[recorded] = await _steps_of_look_up(store, path(f"n{recorded}", recorded + 1))
    assert steps[1000] <= steps[10] * 1.5


async def _steps_of_look_up(store: SqliteStore, of: Sequence[NodeId]) -> int:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    await store._read(lambda connection: connection.set_progress_handler(step, 1))
    await store.look_up(of)
    return count


async def test_a_read_that_fails_is_told_and_the_next_one_works(open_sqlite: OpenSqlite) -> None:
    store = open_sqlite(replace(DEFAULTS, readers=1))
    await store.append(turn("a"))
    for broken in ("SELECT * FROM not_there", "DELETE FROM ends"):  # readers cannot write either
        with pytest.raises(StoreUnavailable, match="cannot be read"):
            await store._read(lambda connection, sql=broken: connection.execute(sql))  # type: ignore[misc]
    assert (await store.look_up(path("a", 2))).deepest is not None


def test_waiters_whose_loop_is_gone_do_not_stop_the_writer(tmp_path: Path) -> None:
    disk = Disk()
    store = SqliteStore.open(tmp_path / "store.sqlite3", commit=disk.commit)

    async def leave() -> None:
        held = await hold_up(disk, store)
        reading = asyncio.create_task(store._read(lambda _: disk.going.wait()))
        await asyncio.sleep(0.01)
        held.cancel()
        reading.cancel()

    asyncio.run(leave())
    disk.going.set()

    async def come_back() -> None:
        await store.append(turn("a"))
        assert len(await store.entries(0, 10)) == 2
        await store.aclose()

    asyncio.run(come_back())


async def test_a_damaged_row_is_an_outage_for_those_who_need_it(open_sqlite: OpenSqlite) -> None:
    store = open_sqlite()
    for name in ("a", "b"):
        await store.append(turn(name))
    damage = "UPDATE nodes SET state = '{' WHERE node = ?"
    key = bytes.fromhex(node_id("a/2"))
    await store._writer.run(lambda connection: connection.execute(damage, (key,)), 5)
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        await store.look_up(path("a", 2))
    assert (await store.look_up(path("b", 2))).deepest is not None
