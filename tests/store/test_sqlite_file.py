"""The file itself: who may open it, what it must be, how its schema changes, backups."""

import asyncio
import sqlite3
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from adjourn.core.errors import BadConfig, StoreUnavailable
from adjourn.store import migrations
from adjourn.store.lock import FileLock
from adjourn.store.migrations import Migration
from adjourn.store.sqlite import SqliteStore

from .conftest import OpenSqlite
from .disk import Disk, io_error
from .records import ending, path, turn


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
    broken = Migration(8888, "8888_more.sql", good + ";\nALTER TABLE not_there ADD z;")
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


async def test_a_backup_can_be_made_while_the_store_is_open(
    open_sqlite: OpenSqlite, tmp_path: Path
) -> None:
    """The command that docs/store.md gives, by the library that the command line runs on."""
    store = open_sqlite()
    await store.append(ending("a"))
    reader = sqlite3.connect(f"{(tmp_path / 'store.sqlite3').as_uri()}?mode=ro", uri=True)
    reader.execute("VACUUM INTO ?", (str(tmp_path / "backup.sqlite3"),))
    reader.close()
    await store.append(turn("b"))
    copy = SqliteStore.open(tmp_path / "backup.sqlite3")
    assert (await copy.look_up(path("a", 2))).end is not None
    assert len(await copy.entries(0, 10)) == 1
    await copy.aclose()


async def test_a_file_that_is_gone_is_told(open_sqlite: OpenSqlite, tmp_path: Path) -> None:
    """After an error the file is opened anew; it is never silently made anew, and empty."""
    disk = Disk()
    store = open_sqlite(commit=disk.commit)
    await store.append(turn("a"))
    disk.failures = [io_error()]
    with pytest.raises(StoreUnavailable):
        await store.append(turn("a2"))
    (tmp_path / "store.sqlite3").rename(tmp_path / "elsewhere.sqlite3")
    for name in ("b", "c"):
        with pytest.raises(StoreUnavailable):
            await store.append(turn(name))
    assert not (tmp_path / "store.sqlite3").exists()
    (tmp_path / "elsewhere.sqlite3").rename(tmp_path / "store.sqlite3")
    await store.append(turn("d"))


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "store"), FileLock(tmp_path / "store")
    first.acquire()
    with pytest.raises(BadConfig, match="in use"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()
    second.release()


@pytest.mark.parametrize("how", ["removed", "replaced"])
async def test_nothing_is_recorded_in_a_file_that_is_gone(
    open_sqlite: OpenSqlite, tmp_path: Path, how: str
) -> None:
    """It would be acknowledged, and lost with the process; what is known stays locked."""
    store, file = open_sqlite(), tmp_path / "store.sqlite3"
    await store.append(turn("a"))
    await store.append(ending("a"))
    (tmp_path / "aside").hardlink_to(file)
    file.unlink()
    if how == "replaced":
        file.write_bytes((tmp_path / "aside").read_bytes())
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        await store.append(turn("b"))
    facts = await store.look_up(path("a", 1))
    assert facts.end is not None
    file.unlink(missing_ok=True)
    (tmp_path / "aside").rename(file)
    await store.append(turn("b"))
