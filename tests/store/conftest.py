"""Stores to test. Another kind of store joins the contract suite by joining ``KINDS``."""

import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adjourn.store.memory import MemoryStore
from adjourn.store.postgres import PostgresStore
from adjourn.store.postgres_link import PostgresSettings
from adjourn.store.sqlite import SqliteStore
from tests.postgres import PostgresServer

AnyStore = MemoryStore | SqliteStore | PostgresStore
Request = pytest.FixtureRequest

_schemas = itertools.count()


def new_schema() -> str:
    """A name that no other test uses."""
    return f"test {os.getpid()} {next(_schemas)}"


async def _memory(_: Request) -> AnyStore:
    return MemoryStore()


async def _sqlite(request: Request) -> AnyStore:
    folder: Path = request.getfixturevalue("tmp_path")
    return SqliteStore.open(folder / "store.sqlite3")


async def _postgres(request: Request) -> AnyStore:
    server: PostgresServer = request.getfixturevalue("postgres")
    return await PostgresStore.open(server.url(), PostgresSettings(schema=new_schema()))


KINDS: Mapping[str, Callable[[Request], Awaitable[AnyStore]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgres": _postgres,
}


@pytest_asyncio.fixture(params=KINDS)
async def store(request: Request) -> AsyncIterator[AnyStore]:
    """A new store of each kind."""
    made = await KINDS[request.param](request)
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


OpenPostgres = Callable[..., Awaitable[PostgresStore]]


@pytest_asyncio.fixture
async def open_postgres(postgres: PostgresServer) -> AsyncIterator[OpenPostgres]:
    """Open one PostgreSQL schema, as often as wanted; each stands for a gateway of its own.

    ``port`` goes somewhere else than to the server itself; other options are settings.
    """
    schema = new_schema()
    async with AsyncExitStack() as stack:

        async def open_one(*, port: int | None = None, **options: Any) -> PostgresStore:
            settings = PostgresSettings(**{"schema": schema, **options})
            opened = await PostgresStore.open(postgres.url(port), settings)
            stack.push_async_callback(opened.aclose)
            return opened

        yield open_one
