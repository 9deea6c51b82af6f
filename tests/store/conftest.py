"""Stores to test. Another kind of store joins the contract suite by joining ``KINDS``."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adjourn.store.memory import MemoryStore
from adjourn.store.sqlite import SqliteStore

AnyStore = MemoryStore | SqliteStore

KINDS: Mapping[str, Callable[[Path], AnyStore]] = {
    "memory": lambda _folder: MemoryStore(),
    "sqlite": lambda folder: SqliteStore.open(folder / "store.sqlite3"),
}


@pytest_asyncio.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyStore]:
    """A new store of each kind."""
    made = KINDS[request.param](tmp_path)
    yield made
    await made.aclose()


OpenSqlite = Callable[..., SqliteStore]


@pytest_asyncio.fixture
async def open_sqlite(tmp_path: Path) -> AsyncIterator[OpenSqlite]:
    """Open one SQLite file, as often as wanted; what is left open is closed after the test."""
    async with AsyncExitStack() as stack:

        def open_one(*arguments: Any, **options: Any) -> SqliteStore:
            opened = SqliteStore.open(tmp_path / "store.sqlite3", *arguments, **options)
            stack.push_async_callback(opened.aclose)
            return opened

        yield open_one
