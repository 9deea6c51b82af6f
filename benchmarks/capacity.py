"""What a turn costs in rows, bytes and memory: the measured half of a table in docs/operations.md.

``python benchmarks/capacity.py [--conversations 2000] [--turns 5] [--streams 500]``: a gateway in
this process, detectors answered from a table, a model's server that answers at once; a SQLite store
on disk, then a PostgreSQL server of its own. Prints one JSON object.
"""

import argparse
import asyncio
import gc
import json
import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
from tests.faults.asgi import REPLY, ask, front
from tests.postgres import running
from tests.store.records import turn

from adjourn.core.assessments import Assessment
from adjourn.core.hazards import Hazard
from adjourn.gateway.front import Front
from adjourn.ports import Store
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.policies import load_policy
from adjourn.store.memory import MemoryStore
from adjourn.store.postgres import PostgresStore
from adjourn.store.postgres_link import PostgresSettings
from adjourn.store.sqlite import SqliteStore
from adjourn.testing import FixedDetector, ScriptedReply, ScriptedUpstream

EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Fine."}}]}\n\n'


class _Detector(FixedDetector):
    """Judges all twelve hazards, and forgets what it was asked."""

    def __init__(self) -> None:
        answer = Assessment("local", hazards=dict.fromkeys(Hazard, 0.0123), abuse=0.0123)
        super().__init__(lambda _: answer, name="local")

    async def assess(self, conversations: Any) -> Any:
        answers = await super().assess(conversations)
        self.asked.clear()
        return answers


def gateway_on(store: Store, *replies: ScriptedReply) -> tuple[Front, ScriptedUpstream]:
    """Return a gateway and its upstream."""
    upstream = ScriptedUpstream(*replies)
    policy, _ = load_policy("consumer-chat")
    gateway = front(
        upstream=upstream, store=store, clock=SystemClock(), detector=_Detector(), policy=policy
    )
    return gateway, upstream


def resident() -> int:
    """Return the bytes of this process in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def talk(gateway: Front, upstream: ScriptedUpstream, name: str, turns: int) -> None:
    """Have one conversation."""
    messages: list[dict[str, str]] = []
    for number in range(turns):
        messages.append({"role": "user", "content": f"{name} says something, {number}"})
        await ask(gateway, messages, user=name)
        messages.append({"role": "assistant", "content": "Fine."})
        upstream.requests.clear()
        upstream.played.clear()


async def fill(store: Store, conversations: int, turns: int) -> int:
    """Have conversations recorded; return by how many bytes memory grew for each."""
    gateway, upstream = gateway_on(store, ScriptedReply(body=[REPLY]))
    for number in range(conversations // 4):
        await talk(gateway, upstream, f"warm {number}", turns)
    await gateway.drain()
    before = resident()
    for number in range(conversations):
        await talk(gateway, upstream, f"user {number}", turns)
    await gateway.drain()
    return round((resident() - before) / conversations)


async def stream_bytes(store: Store, streams: int) -> int:
    """Return by how many bytes memory grows for each stream that is open."""
    head = (("content-type", "text/event-stream"),)
    gateway, _ = gateway_on(store, ScriptedReply(headers=head, body=[EVENT], hang_after=len(EVENT)))
    before = resident()
    waiting = [
        asyncio.create_task(
            ask(gateway, [{"role": "user", "content": f"s {i}"}], user=f"s{i}", stream=True)
        )
        for i in range(streams)
    ]
    await asyncio.sleep(2)
    grown = resident() - before
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return round(grown / streams)


async def append_rate(store: Store, name: str) -> int:
    """Return how many turns a second are recorded, durably, with 64 waiting."""
    left = iter(range(6400))

    async def append() -> None:
        for number in left:
            await store.append(turn(f"{name} {number}"))

    began = time.perf_counter()
    await asyncio.gather(*(append() for _ in range(64)))
    return round(6400 / (time.perf_counter() - began))


async def on_sqlite(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a SQLite store."""
    file = folder / "capacity.sqlite3"
    store = SqliteStore.open(file)
    memory = await fill(store, given.conversations, given.turns)
    await store.aclose()
    other = SqliteStore.open(folder / "rate.sqlite3")
    rate = await append_rate(other, "a")
    await other.aclose()
    with sqlite3.connect(file) as database:
        database.execute("VACUUM")
        (nodes,) = database.execute("SELECT count(*) FROM nodes").fetchone()
        (entries,) = database.execute("SELECT count(*) FROM entries").fetchone()
    return {**figures(given, nodes, entries, file.stat().st_size, memory), "appends_per_s": rate}


async def on_postgres(given: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a PostgreSQL store, indexes included."""
    with running() as server:
        store = await PostgresStore.open(server.url(), PostgresSettings(schema="capacity"))
        memory = await fill(store, given.conversations, given.turns)
        await store.aclose()
        link = await asyncpg.connect(server.url())
        await link.execute("VACUUM FULL")
        sizes = {
            table: await link.fetchval(f"SELECT pg_total_relation_size('capacity.{table}')")
            for table in ("nodes", "entries")
        }
        nodes = await link.fetchval("SELECT count(*) FROM capacity.nodes")
        entries = await link.fetchval("SELECT count(*) FROM capacity.entries")
        await link.close()
        other = await PostgresStore.open(server.url(), PostgresSettings(schema="rate"))
        rate = await append_rate(other, "a")
        await other.aclose()
    return {**figures(given, nodes, entries, sum(sizes.values()), memory), "appends_per_s": rate}


def figures(
    given: argparse.Namespace, nodes: int, entries: int, size: int, memory: int
) -> dict[str, Any]:
    """Return what each turn and each conversation cost."""
    turns = (given.conversations + given.conversations // 4) * given.turns
    return {
        "turns": turns,
        "nodes_per_turn": round(nodes / turns, 2),
        "entries_per_turn": round(entries / turns, 2),
        "bytes_per_turn": round(size / turns),
        "memory_per_conversation_bytes": memory,
    }


async def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Return all figures."""
    per_stream = await stream_bytes(MemoryStore(), given.streams)
    return {
        "sqlite": await on_sqlite(folder, given),
        "postgresql": await on_postgres(given),
        "memory_per_open_stream_bytes": per_stream,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--streams", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measure(Path(folder), given)), indent=2))


if __name__ == "__main__":
    main()
