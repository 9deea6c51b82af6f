"""A database that is gone, slow, cut off, full or killed, and comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
import pytest_asyncio

from adjourn.core.errors import StoreUnavailable
from adjourn.store.postgres import PostgresStore
from adjourn.store.postgres_link import PostgresSettings
from tests.chaos import Chaos, between
from tests.postgres import PostgresServer, running

from .conftest import OpenPostgres, new_schema
from .records import ending, entry, node_id, path, turn

pytestmark = pytest.mark.slow

QUICK = {"deadline_s": 1.0, "connect_s": 0.5, "watch_s": 0.05}


@pytest_asyncio.fixture
async def chaos(postgres: PostgresServer) -> AsyncIterator[Chaos]:
    async with between(postgres.port) as between_:
        yield between_


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again, for as long as a busy machine may need."""
    for _ in range(1500):
        if is_so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to be")


async def until_up(store: PostgresStore) -> None:
    await until(lambda: store.is_up)


async def until_down(store: PostgresStore) -> None:
    await until(lambda: not store.is_up)


async def test_cut_connections_are_replaced_unnoticed(
    chaos: Chaos, open_postgres: OpenPostgres
) -> None:
    store = await open_postgres(port=chaos.port)
    for number in range(10):
        await store.append(turn(str(number)))
        chaos.cut()
        assert (await store.look_up(path(str(number), 1))).deepest is not None
    ledger = await store.entries(0, 100)
    assert [position for position, _ in ledger] == list(range(10))


async def test_an_append_that_is_cut_off_is_recorded_once_if_it_is_sent_again(
    chaos: Chaos, open_postgres: OpenPostgres
) -> None:
    store = await open_postgres(port=chaos.port, **QUICK)

    async def send_until_recorded(name: str) -> None:
        while True:
            try:
                await store.append(ending(name))
                return
            except StoreUnavailable:
                await asyncio.sleep(0.01)

    async def cut() -> None:
        for _ in range(30):
            await asyncio.sleep(0.01)
            chaos.cut()

    names = [str(number) for number in range(60)]
    async with asyncio.timeout(60):
        await asyncio.gather(cut(), *(send_until_recorded(name) for name in names))
    await until_up(store)
    ledger = await store.entries(0, 1000)
    assert [position for position, _ in ledger] == list(range(60)), "each once, without gaps"


async def test_what_is_known_stays_locked_while_the_database_is_a_black_hole(
    chaos: Chaos, open_postgres: OpenPostgres
) -> None:
    store = await open_postgres(port=chaos.port, **QUICK)
    end = await store.append(ending("known"))
    chaos.flowing.clear()
    assert (await store.look_up(path("known", 3))).end == end
    with pytest.raises(StoreUnavailable):
        await store.look_up(path("other", 3))
    with pytest.raises(StoreUnavailable):
        await store.append(ending("never recorded"))
    chaos.flowing.set()
    chaos.cut()
    await until_down(store)
    await until_up(store)
    assert await store.append(ending("again")) is not None


async def test_an_end_reversed_elsewhere_is_not_locked_from_memory(
    chaos: Chaos, open_postgres: OpenPostgres
) -> None:
    store, other = await open_postgres(port=chaos.port, **QUICK), await open_postgres()
    await store.append(ending("a"))
    await other.reverse(node_id("a/1"), 5, entry("a reversed"))
    await until(lambda: store._known_ends.on(path("a", 3)) is None)
    chaos.flowing.clear()
    with pytest.raises(StoreUnavailable):
        await store.look_up(path("a", 3))
    chaos.flowing.set()


async def test_a_slow_database_is_waited_for_up_to_the_deadline(
    chaos: Chaos, open_postgres: OpenPostgres
) -> None:
    store = await open_postgres(port=chaos.port, deadline_s=1.0)
    chaos.delay_s = 0.02
    assert await store.append(turn("slow")) is None
    chaos.delay_s = 5.0
    with pytest.raises(StoreUnavailable):
        await store.append(turn("too slow"))
    chaos.delay_s = 0.0


async def test_a_full_disk_of_the_server_s_is_told_and_heals(postgres: PostgresServer) -> None:
    """The server says that its disk is full as it does then: an error with SQLSTATE 53100."""
    schema = new_schema()
    store = await PostgresStore.open(postgres.url(), PostgresSettings(schema=schema, watch_s=0.05))
    await store.append(turn("before"))
    server = await asyncpg.connect(postgres.url())
    await server.execute(f'''
        CREATE FUNCTION "{schema}".is_full() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON "{schema}".entries
        FOR EACH ROW EXECUTE FUNCTION "{schema}".is_full()
    ''')
    with pytest.raises(StoreUnavailable):
        await store.append(ending("during"))
    assert (await store.look_up(path("before", 1))).deepest is not None
    assert (await store.look_up(path("during", 2))).end is None
    await server.execute(f'DROP TRIGGER full_disk ON "{schema}".entries')
    await server.close()
    await until_up(store)
    assert await store.append(ending("during")) is not None
    assert [position for position, _ in await store.entries(0, 10)] == [0, 1]
    await store.aclose()


async def test_a_gateway_starts_without_its_database(
    postgres: PostgresServer, chaos: Chaos, open_postgres: OpenPostgres
) -> None:
    chaos.flowing.clear()
    store = await open_postgres(port=chaos.port, **QUICK)
    assert not store.is_up
    with pytest.raises(StoreUnavailable):
        await store.look_up(path("a", 1))
    chaos.flowing.set()
    chaos.cut()
    await until_up(store)
    assert await store.append(turn("a")) is None


@pytest.mark.slow
async def test_a_database_that_is_killed_again_and_again_loses_nothing() -> None:
    """The server dies as in a crash while turns are recorded, and recovers: each one is there."""
    with running() as server:
        settings = PostgresSettings(deadline_s=2.0, connect_s=1.0, watch_s=0.05)
        store = await PostgresStore.open(server.url(), settings)
        acknowledged: set[str] = set()

        async def record(task: int) -> None:
            for number in range(60):
                name = f"{task}-{number}"
                while name not in acknowledged:
                    try:
                        await store.append(ending(name))
                        acknowledged.add(name)
                    except StoreUnavailable:
                        await asyncio.sleep(0.02)
                await asyncio.sleep(0.01)

        async def kill() -> None:
            for _ in range(5):
                await asyncio.sleep(0.3)
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.start)

        async with asyncio.timeout(120):
            await asyncio.gather(kill(), *(record(task) for task in range(8)))
        await until_up(store)
        ledger = await store.entries(0, 10_000)
        assert [position for position, _ in ledger] == list(range(480))
        for name in acknowledged:
            assert (await store.look_up(path(name, 2))).end is not None
        await store.aclose()
