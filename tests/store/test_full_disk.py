"""4: the disk is full, for real: the stores on a small file system with no room left."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from adjourn.core.errors import StoreUnavailable
from adjourn.store.postgres import PostgresStore
from adjourn.store.postgres_link import PostgresSettings
from adjourn.store.sqlite import SqliteStore
from tests.postgres import PostgresServer, running
from tests.small_disk import SmallDisk, small_disk

from .records import ending, node_id, path

pytestmark = pytest.mark.slow

AnyStore = SqliteStore | PostgresStore
MANY = 20_000
"""Ends that are tried before the disk must have been full; the first few still find room."""
WORDS = ("database or disk is full", "No space left on device", "the connection failed")
"""How it is told: by SQLite, by PostgreSQL, and if the server has died of it."""


async def record_until_full(store: AnyStore, name: str) -> list[str]:
    """Record ends until five in a row were refused; return those that were acknowledged."""
    acknowledged: list[str] = []
    refused: list[str] = []
    for number in range(MANY):
        one = f"{name} {number}"
        try:
            assert await store.append(ending(one)) is not None
        except StoreUnavailable as error:
            refused.append(str(error))
            if len(refused) == 5:
                assert any(word in refused[0] for word in WORDS), refused
                return acknowledged
        else:
            refused.clear()
            acknowledged.append(one)
    raise AssertionError("the disk was never full")


async def until_recorded(store: AnyStore, name: str) -> None:
    """Record an end, however long the store takes to find that there is room."""
    for _ in range(1500):
        try:
            assert await store.append(ending(name)) is not None
        except StoreUnavailable:
            await asyncio.sleep(0.02)
        else:
            return
    raise AssertionError("it did not heal")


async def holds_exactly(store: AnyStore, names: list[str]) -> None:
    """What was acknowledged is there, in that order and without gaps, and nothing else is."""
    entries = await store.entries(0, MANY)
    assert [position for position, _ in entries] == list(range(len(names)))
    assert [one.node for _, one in entries] == [node_id(f"{name}/1") for name in names]


async def test_sqlite_on_a_full_disk_is_told_and_heals(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 8) as disk:
        store = SqliteStore.open(disk.folder / "store.sqlite3")
        recorded = ["before"]
        await until_recorded(store, "before")
        for round_ in range(3):
            disk.fill()
            recorded += await record_until_full(store, f"{round_}")
            assert disk.room == 0
            assert (await store.look_up(path("before", 2))).end is not None
            assert (await store.look_up(path("during", 2))).end is None
            await holds_exactly(store, recorded)
            disk.free()
            await until_recorded(store, f"{round_} after")
            recorded.append(f"{round_} after")
        await store.aclose()
        again = SqliteStore.open(disk.folder / "store.sqlite3")
        await holds_exactly(again, recorded)
        await again.aclose()


async def test_sqlite_closed_on_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """The log cannot be written back, and is found at the next start."""
    with small_disk(tmp_path / "small", 8) as disk:
        store = SqliteStore.open(disk.folder / "store.sqlite3")
        await until_recorded(store, "before")
        disk.fill()
        recorded = ["before", *await record_until_full(store, "during")]
        await store.aclose()
        again = SqliteStore.open(disk.folder / "store.sqlite3")
        await holds_exactly(again, recorded)
        await again.aclose()


@pytest_asyncio.fixture
async def tables(postgres: PostgresServer) -> AsyncIterator[SmallDisk]:
    """Where the tablespace ``small`` is."""
    with small_disk(postgres.folder / "tables", 12) as disk:
        space = disk.folder / "space"
        space.mkdir()
        postgres.give(space)
        server = await asyncpg.connect(postgres.url())
        await server.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        yield disk
        await server.execute("DROP SCHEMA full_disk CASCADE")
        await server.execute("DROP TABLESPACE small")
        await server.close()


async def test_postgresql_whose_tables_find_no_room_is_told_and_heals(
    postgres: PostgresServer, tables: SmallDisk
) -> None:
    """The server refuses what it has no room for (53100), and goes on."""
    settings = PostgresSettings(schema="full_disk", watch_s=0.05)
    store = await PostgresStore.open(f"{postgres.url()}?default_tablespace=small", settings)
    recorded = ["before"]
    await until_recorded(store, "before")
    for round_ in range(3):
        tables.fill()
        recorded += await record_until_full(store, f"{round_}")
        assert store.is_up
        assert (await store.look_up(path("before", 2))).end is not None
        assert (await store.look_up(path("during", 2))).end is None
        await holds_exactly(store, recorded)
        tables.free()
        await until_recorded(store, f"{round_} after")
        recorded.append(f"{round_} after")
    await holds_exactly(store, recorded)
    await store.aclose()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that a server run by somebody else can get to, which one of pytest's is not."""
    with tempfile.TemporaryDirectory(prefix="adjourn-full-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_postgresql_that_can_keep_no_log_dies_and_loses_nothing(open_folder: Path) -> None:
    """The server gives up, as it must. Once there is room, all that was acknowledged is there."""
    settings = PostgresSettings(deadline_s=1.0, connect_s=0.5, watch_s=0.05)
    with small_disk(open_folder / "small", 12) as disk, running(disk.folder / "log") as server:
        store = await PostgresStore.open(server.url(), settings)
        recorded = ["before"]
        await until_recorded(store, "before")
        disk.fill()
        recorded += await record_until_full(store, "during")
        assert "PANIC:  could not write" in (server.folder / "log").read_text()
        disk.free()
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await until_recorded(store, "after")
        entries = await store.entries(0, MANY)
        assert [position for position, _ in entries] == list(range(len(entries)))
        found = [one.node for _, one in entries]
        known = [node_id(f"{name}/1") for name in [*recorded, "after"]]
        assert [node for node in found if node in known] == known
        await store.aclose()
