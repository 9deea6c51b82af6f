"""How fast the SQLite store is, beside what the disk and SQLite themselves can do, in one run.

``python benchmarks/store.py [--folder DIR] [--seconds S]``: run it on the disk that matters. The
figures to compare are the ratios: a disk's own speed differs tenfold between hours.
"""

import argparse
import asyncio
import os
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from adjourn.core.assessments import Assessment
from adjourn.core.decisions import Delivered
from adjourn.core.entries import Append, Entry, EntryKind, NodeRecord
from adjourn.core.hazards import Hazard
from adjourn.core.ladder import PathState
from adjourn.core.messages import Message, Role
from adjourn.core.tree import NodeId, Origin, path_of
from adjourn.store.sqlite import SqliteStore

WAITERS = (1, 8, 64, 256)
ASSESSMENT = Assessment("local", dict.fromkeys(Hazard, 0.0123), abuse=0.0456, harm=0.1)
DIGEST = "d" * 64


def path(name: str, turns: int) -> tuple[NodeId, list[NodeId]]:
    """Root and nodes of a conversation of so many turns."""
    root = Origin("benchmark", name).root()
    said = [Message.of(("user", "assistant")[n % 2], f"message {n}") for n in range(2 * turns)]
    return root, [step.node for step in path_of(root, enumerate(said))]


def appends(name: str, turns: int) -> list[Append]:
    """A conversation as the gateway records it, turn by turn."""
    root, nodes = path(name, turns)
    made = []
    for at in range(0, len(nodes), 2):
        user, reply = nodes[at], nodes[at + 1]
        parent = nodes[at - 1] if at else root
        records = (
            NodeRecord(
                user, parent, root, at + 1, Role.USER, DIGEST, "adult", PathState(), ASSESSMENT
            ),
            NodeRecord(
                reply, user, root, at + 2, Role.ASSISTANT, DIGEST, "adult", PathState(),
                None, Delivered.NOTHING,
            ),
        )  # fmt: skip
        entry = Entry(
            EntryKind.TURN, 1_800_000_000_000 + at, user, parent, DIGEST, "adult", "continue",
            ("ground.none",), "a-model", "nothing", assessment=ASSESSMENT,
        )  # fmt: skip
        made.append(Append(records, entry))
    return made


def fsyncs(folder: Path, seconds: float) -> float:
    """Return how often a second 4 KiB can be appended to a file and synced."""
    block, count = bytes(4096), 0
    with (folder / "raw").open("wb", buffering=0) as file:
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            file.write(block)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - start)


def one_row_commits(folder: Path, seconds: float) -> float:
    """Return how many rows a second plain SQLite commits one by one, WAL and FULL."""
    connection = sqlite3.connect(folder / "plain.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (key BLOB PRIMARY KEY, parent BLOB, payload BLOB)")
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        row = (os.urandom(32), os.urandom(32), bytes(290))
        connection.execute("INSERT INTO rows VALUES (?, ?, ?)", row)
        count += 1
    rate = count / (time.perf_counter() - start)
    connection.close()
    return rate


async def appending(
    store: SqliteStore, label: str, waiters: int, seconds: float
) -> tuple[float, float, float, float, float]:
    """Return appends a second, CPU µs each, appends a commit, and latency p50 and p99 in ms."""
    turns = max(20, 6000 // waiters)
    work = [appends(f"{label}-{waiters}-{number}", turns) for number in range(waiters)]
    latencies: list[float] = []
    commits, cpu, start = store.commits, time.process_time(), time.perf_counter()

    async def converse(turns: Sequence[Append]) -> None:
        for append in turns:
            begun = time.perf_counter()
            if begun - start > seconds:
                return
            await store.append(append)
            latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(converse(turns) for turns in work))
    elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
    done = len(latencies)
    cuts = statistics.quantiles(latencies, n=100)
    return (
        done / elapsed,
        cpu / done * 1e6,
        done / (store.commits - commits),
        cuts[49] * 1000,
        cuts[98] * 1000,
    )


async def looking_up(ask: Callable[[], Awaitable[object]], waiters: int, times: int) -> float:
    """Return CPU µs of one look-up."""

    async def ask_often() -> None:
        for _ in range(times // waiters):
            await ask()

    await ask_often()
    cpu = time.process_time()
    await asyncio.gather(*(ask_often() for _ in range(waiters)))
    return (time.process_time() - cpu) / (times // waiters * waiters) * 1e6


async def run(folder: Path, seconds: float) -> None:
    raw, plain = fsyncs(folder, seconds), one_row_commits(folder, seconds)
    print(f"SQLite {sqlite3.sqlite_version}")
    print(f"raw fdatasync of 4 KiB        {raw:10,.0f} /s")
    print(f"plain one-row commits         {plain:10,.0f} /s")
    print("\nappends (a turn: 2 nodes and an entry), durable")
    print("waiters   /s  x one-row  x fsync   CPU us  a commit   p50 ms   p99 ms")
    store = SqliteStore.open(folder / "store.sqlite3")
    for waiters in WAITERS:
        rate, cpu, group, p50, p99 = await appending(store, "bench", waiters, seconds)
        ratios = f"{rate / plain:9.2f} {rate / raw:8.2f}"
        print(f"{waiters:4} {rate:8,.0f} {ratios} {cpu:8.0f} {group:9.1f} {p50:8.2f} {p99:8.2f}")
    print("\nlook-ups, CPU us each         one at a time   64 at once")
    await store.append(Append(tuple(r for a in appends("long", 500) for r in a.nodes), _entry()))
    for label, name, turns, extra in (
        ("20 nodes, newest is new", "bench-1-0", 10, 1),
        ("20 nodes, never seen", "never", 10, 0),
        ("1,000 nodes, newest is new", "long", 500, 1),
        ("1,000 nodes, never seen", "never", 500, 0),
    ):
        ids = path(name, turns)[1][: 2 * turns - extra] + path("new", 1)[1][:extra]
        times = 4000 if turns < 100 else 400
        single = await looking_up(lambda ids=ids: store.look_up(ids), 1, times)  # type: ignore[misc]
        many = await looking_up(lambda ids=ids: store.look_up(ids), 64, times)  # type: ignore[misc]
        print(f"{label:30} {single:12.0f} {many:12.0f}")
    entries = len(await store.entries(0, 10**9))
    await store.aclose()
    size = (folder / "store.sqlite3").stat().st_size
    print(f"\n{entries:,} turns take {size / entries:,.0f} bytes each on disk")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory of this process {peak / 1024:,.0f} MB")


def _entry() -> Entry:
    return appends("long", 1)[0].entry


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", help="where to write; a temporary folder if not given")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        asyncio.run(run(Path(folder), arguments.seconds))


if __name__ == "__main__":
    main()
