"""What only a file can do: be full, be slow, be locked, be somebody else's."""

import asyncio
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from adjourn.core.entries import Append
from adjourn.core.errors import BadConfig, StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.store import migrations
from adjourn.store.migrations import Migration
from adjourn.store.sqlite import DEFAULTS, SqliteStore
from adjourn.store.writer import commit_now

from .conftest import OpenSqlite
from .records import ending, entry, node, node_id, path, turn

IMPATIENT = replace(DEFAULTS, deadline_s=0.05)


@dataclass
class Disk:
    """A disk whose commits can be held up, and can fail."""

    going: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    failures: list[Exception] = field(default_factory=list)
    commits: int = 0

    def __post_init__(self) -> None:
        self.going.set()

    def commit(self, connection: sqlite3.Connection) -> None:
        self.commits += 1
        self.reached.set()
        self.going.wait()
        if self.failures:
            raise self.failures.pop(0)
        commit_now(connection)


def io_error() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


async def hold_up(disk: Disk, store: SqliteStore) -> "asyncio.Task[object]":
    """Have the writer stand still inside a commit; whatever is appended next forms a group."""
    disk.going.clear()
    disk.reached.clear()
    task: asyncio.Task[object] = asyncio.create_task(store.append(turn("held up")))
    await asyncio.to_thread(disk.reached.wait)
    return task


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


async def test_a_second_gateway_on_the_same_file_is_refused(
    open_sqlite: OpenSqlite, tmp_path: Path
) -> None:
    store = open_sqlite()
    (tmp_path / "link.sqlite3").symlink_to(tmp_path / "store.sqlite3")
    for name in ("store.sqlite3", "link.sqlite3"):
        code = f"from adjourn.store.sqlite import SqliteStore; SqliteStore.open({name!r})"
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", code, cwd=tmp_path, stderr=asyncio.subprocess.PIPE
        )
        _, told = await second.communicate()
        assert second.returncode == 1
        last = told.decode().splitlines()[-1]
        assert "BadConfig" in last
        assert "store.sqlite3: store.path: is in use by another gateway (process " in last
    await store.append(turn("a"))
    await store.aclose()
    await open_sqlite().append(turn("b"))


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


async def test_the_files_are_private_and_folders_are_made(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "100%?#.sqlite3"
    store = SqliteStore.open(file)
    await store.append(turn("a"))
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()}
    assert modes == {f"{file.name}{suffix}": 0o600 for suffix in ("", "-wal", "-shm", ".lock")}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    await store.aclose()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, but it is long enough to be read" * 9)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadConfig, match=r"store\.path: cannot be opened"):
        SqliteStore.open(tmp_path / "text")
    with pytest.raises(BadConfig, match=r"store\.path: cannot be opened"):
        SqliteStore.open(tmp_path)
    with pytest.raises(BadConfig, match=r"store\.path: cannot be opened"):
        SqliteStore.open(tmp_path / "file" / "below.sqlite3")
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE recipes (name)")
    other.close()
    with pytest.raises(BadConfig, match="not one of adjourn's"):
        SqliteStore.open(tmp_path / "other")


async def test_a_newer_database_is_refused(open_sqlite: OpenSqlite) -> None:
    later = (*migrations.shipped(), Migration(9999, "9999_later.sql", "CREATE TABLE later (x);"))
    store = open_sqlite(migrations=later)
    await store.append(turn("a"))
    await store.aclose()
    with pytest.raises(BadConfig, match="newer adjourn \\(schema 9999"):
        open_sqlite()
    await open_sqlite(migrations=later).aclose()


async def test_a_schema_that_reads_differently_is_refused(open_sqlite: OpenSqlite) -> None:
    await open_sqlite().aclose()
    (first, *others) = migrations.shipped()
    changed = (replace(first, sql=first.sql + "-- changed\n"), *others)
    with pytest.raises(BadConfig, match="another schema 1"):
        open_sqlite(migrations=changed)


async def test_an_interrupted_migration_leaves_nothing_and_is_made_up_for(
    open_sqlite: OpenSqlite, tmp_path: Path
) -> None:
    store = open_sqlite()
    await store.append(turn("a"))
    await store.aclose()
    good = "CREATE TABLE more (x);\n-- then;\nCREATE TABLE\nyet_more (y TEXT DEFAULT ';')"
    broken = Migration(2, "0002_more.sql", good + ";\nALTER TABLE not_there ADD z;")
    with pytest.raises(BadConfig, match="not_there"):
        open_sqlite(migrations=(*migrations.shipped(), broken))
    reader = sqlite3.connect(tmp_path / "store.sqlite3")
    tables = {name for (name,) in reader.execute("SELECT name FROM sqlite_master")}
    reader.close()
    assert "more" not in tables
    mended = (*migrations.shipped(), replace(broken, sql=good))
    for _ in range(2):
        store = open_sqlite(migrations=mended)
        assert (await store.look_up(path("a", 2))).deepest is not None
        await store.aclose()


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
