"""What PostgreSQL alone can do wrong: being configured, migrated, shared and written in groups."""

import asyncio
from contextlib import closing
from dataclasses import replace

import asyncpg
import pytest

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.entries import Append
from adjourn.core.errors import BadConfig, BadInput, StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow
from adjourn.store.postgres import PostgresStore
from adjourn.store.postgres_checkup import check_postgres
from adjourn.store.postgres_ledger import PostgresLedger
from adjourn.store.postgres_link import PostgresSettings
from adjourn.store.postgres_migrations import Migration, shipped
from tests.postgres import PostgresServer

from .conftest import OpenPostgres, new_schema
from .records import end_record, ending, entry, node, node_id, path, turn


async def refused(url: str, settings: PostgresSettings | None = None) -> str:
    with pytest.raises(BadConfig) as told:
        await PostgresStore.open(url, settings or PostgresSettings())
    return str(told.value)


async def test_a_wrong_password_user_or_database_is_told(postgres: PostgresServer) -> None:
    url = postgres.url()
    told = await refused(url, PostgresSettings(password="wrong"))
    assert "store.url" in told
    assert "password authentication failed" in told
    assert "does not exist" in await refused(url + "x")
    assert "password authentication failed" in await refused(url.replace("postgres:a", "x:a"))
    assert "store.url" in await refused("postgresql://[")


async def test_a_schema_that_is_not_adjourns_is_refused(postgres: PostgresServer) -> None:
    schema = new_schema()
    connection = await asyncpg.connect(postgres.url())
    await connection.execute(f'CREATE SCHEMA "{schema}"; CREATE TABLE "{schema}".other (x INT)')
    await connection.close()
    assert "not adjourn's" in await refused(postgres.url(), PostgresSettings(schema=schema))


async def test_a_schema_of_a_newer_or_another_adjourn_is_refused(postgres: PostgresServer) -> None:
    settings = PostgresSettings(schema=new_schema())
    newer = (*shipped(), Migration(9, "0009_later.sql", "CREATE TABLE later (x INT)"))
    await (await PostgresStore.open(postgres.url(), settings, migrations=newer)).aclose()
    assert "newer adjourn (schema 9" in await refused(postgres.url(), settings)
    other = (replace(shipped()[0], sql=shipped()[0].sql + "-- "), *newer[1:])
    with pytest.raises(BadConfig, match="another schema 1"):
        await PostgresStore.open(postgres.url(), settings, migrations=other)


async def test_gateways_that_start_at_once_migrate_one_after_the_other(
    open_postgres: OpenPostgres,
) -> None:
    stores = await asyncio.gather(*(open_postgres() for _ in range(6)))
    assert all(store.is_up for store in stores)
    await asyncio.gather(*(store.append(turn(str(n))) for n, store in enumerate(stores)))
    assert len(await stores[0].entries(0, 10)) == 6


async def test_a_commit_is_durable_whatever_the_servers_default_is(
    postgres: PostgresServer,
) -> None:
    settings = PostgresSettings(schema=new_schema())
    url = f"{postgres.url()}?synchronous_commit=off"
    store = await PostgresStore.open(url, settings)
    told = await store._link.ask(lambda c: c.fetchval("SHOW synchronous_commit"))
    assert told == "on"
    await store.aclose()


async def test_one_bad_append_fails_alone(open_postgres: OpenPostgres) -> None:
    store = await open_postgres()
    bad = Append((node("bad", policy="\x00"),), entry("bad"))
    told = await asyncio.gather(
        store.append(turn("a")), store.append(bad), store.append(ending("b")),
        return_exceptions=True,
    )  # fmt: skip
    assert told[0] is None
    assert isinstance(told[1], StoreUnavailable)
    assert told[2] == end_record("b")
    assert [one.node for _, one in await store.entries(0, 10)] == [node_id("a/1"), node_id("b/1")]


async def test_a_plain_user_who_may_make_a_schema_is_enough(postgres: PostgresServer) -> None:
    """Neither superuser nor owner of the database: what ``docs/store.md`` asks for, and no more."""
    server = await asyncpg.connect(postgres.url())
    name = f"plain_{new_schema().replace(' ', '_')}"
    await server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'plain'")
    url = f"postgresql://{name}:plain@127.0.0.1:{postgres.port}/postgres"
    assert "permission denied" in await refused(url, PostgresSettings(schema=name))
    await server.execute(f"GRANT CREATE ON DATABASE postgres TO {name}")
    settings = PostgresSettings(schema=name)
    store, other = [await PostgresStore.open(url, settings) for _ in range(2)]
    assert await store.append(ending("a")) == end_record("a")
    assert (await other.look_up(path("a", 3))).end == end_record("a")
    assert await other.reverse(node_id("a/1"), 5, entry("a reversed"))
    assert (await store.look_up(path("a", 3))).end is None

    def entries() -> int:
        with closing(PostgresLedger.open(url, settings)) as ledger:
            return len(list(ledger.stream()))

    assert await asyncio.to_thread(entries) == 2
    for one in (store, other):
        await one.aclose()
    await server.close()


async def test_the_same_turn_often_at_once_is_one_turn(open_postgres: OpenPostgres) -> None:
    stores = [await open_postgres(), await open_postgres()]
    appends = [stores[n % 2].append(turn("a")) for n in range(40)]
    assert set(await asyncio.gather(*appends)) == {None}
    assert len(await stores[0].entries(0, 100)) == 1


async def test_appends_share_transactions(open_postgres: OpenPostgres) -> None:
    store = await open_postgres()
    await asyncio.gather(*(store.append(turn(str(n))) for n in range(200)))
    assert store.commits < 20


async def test_two_gateways_end_each_node_once(open_postgres: OpenPostgres) -> None:
    stores = [await open_postgres(), await open_postgres()]
    for round_ in range(30):
        names = [f"{round_}-{number}" for number in range(10)]
        told = await asyncio.gather(
            *(
                stores[gateway].append(ending(name, closing=f"by {gateway}"))
                for name in names
                for gateway in (0, 1)
            )
        )
        for first, second in zip(told[::2], told[1::2], strict=True):
            assert first == second
    ledger = await stores[0].entries(0, 1000)
    assert [position for position, _ in ledger] == list(range(300))


async def test_an_end_and_its_reversal_hold_for_all_gateways_at_once(
    open_postgres: OpenPostgres,
) -> None:
    one, other = await open_postgres(), await open_postgres()
    for number in range(20):
        name = str(number)
        assert (await other.look_up(path(name, 4))).end is None
        end = await one.append(ending(name))
        assert (await other.look_up(path(name, 4))).end == end
        if number % 2:
            await one.reverse(node_id(f"{name}/1"), 5, entry(f"{name} reversed"))
        else:
            appeal = Appeal(node_id(f"{name}/1"), 5, state=AppealState.REVERSED)
            await one.put_appeal(appeal, entry(f"{name} reversed"), None)
        assert (await other.look_up(path(name, 4))).end is None
        with pytest.raises(StoreUnavailable, match="reversed"):
            await other.append(ending(name, closing="again"))


async def test_the_ledger_is_read_beside_running_gateways(
    open_postgres: OpenPostgres, postgres: PostgresServer
) -> None:
    store = await open_postgres(schema="to be read")
    await store.append(turn("a"))
    await store.append(ending("b"))

    def read() -> tuple[list[LedgerRow], dict[NodeId, bool]]:
        with closing(
            PostgresLedger.open(postgres.url(), PostgresSettings(schema="to be read"))
        ) as opened:
            return list(opened.stream()), opened.ends()

    rows, ends = await asyncio.to_thread(read)
    assert rows == await store.rows(0, 9)
    assert ends == {node_id("b/1"): False}
    for url, schema, told in (
        (postgres.url(), "nothing", "holds no ledger"),
        (postgres.url(1), "adjourn", "cannot be opened"),
        ("postgresql://user:secret/word@host/database", "adjourn", "cannot be read"),
    ):
        with pytest.raises(BadInput, match=told) as refusal:
            await asyncio.to_thread(PostgresLedger.open, url, PostgresSettings(schema=schema))
        assert "secret" not in str(refusal.value)


async def test_the_doctor_looks_without_making_anything(
    postgres: PostgresServer, open_postgres: OpenPostgres
) -> None:
    settings = PostgresSettings(schema=new_schema())
    assert "will be made" in await check_postgres(postgres.url(), settings)
    assert "will be made" in await check_postgres(postgres.url(), settings)
    store = await open_postgres(schema=settings.schema)
    await store.append(turn("a"))
    assert (await check_postgres(postgres.url(), settings)).startswith("1 entries, schema 1; Post")
    with pytest.raises(BadConfig, match="cannot be used"):
        await check_postgres(postgres.url(1), settings)
    with pytest.raises(BadConfig, match="password authentication failed"):
        await check_postgres(postgres.url(), replace(settings, password="wrong"))
