"""Killed at any moment, cut off at any byte: what was acknowledged is there, and nothing by halves.

A killed process does not lose what the kernel has, so kills test the order of commit and
acknowledgement; cutting the write-ahead log tests what a power loss can leave behind.
"""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adjourn.store.sqlite import SqliteStore

from .append_until_killed import TASKS
from .records import end_record, ending, node_id, path, turn

ROOT = Path(__file__).parents[2]


@pytest.fixture
def appender() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.store.append_until_killed"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


async def survive(appender: "subprocess.Popen[str]", file: Path, rounds: int) -> None:
    assert appender.stdin
    assert appender.stdout
    recorded = 0
    for round_ in range(rounds):
        acks = 1 + round_ * 37 % 101
        appender.stdin.write(f"{file} {round_} {acks}\n")
        appender.stdin.flush()
        acknowledged = set(appender.stdout.readline().split())
        assert len(acknowledged) >= acks
        recorded = await check(file, str(round_), acknowledged, recorded)


async def check(file: Path, round_: str, acknowledged: set[str], before: int) -> int:
    """Check a round's conversations and the ledger; return the ledger's length."""
    store = SqliteStore.open(file)
    ledger = await store.entries(0, 10**6)
    assert [position for position, _ in ledger] == list(range(len(ledger)))
    in_ledger = {entry.node for _, entry in ledger[before:]}
    for task in range(TASKS):
        last = sum(name.startswith(f"{round_}-{task}-") for name in acknowledged)
        for number in range(1, last + 3):
            name = f"{round_}-{task}-{number}"
            nodes = len(await store.records(path(name, 2)))
            entered = node_id(f"{name}/1") in in_ledger
            end = await store.end_at(node_id(f"{name}/1"))
            assert (nodes, entered) in ((2, True), (0, False)), "all or nothing"
            assert end == (end_record(name) if entered and task % 2 else None), "all or nothing"
            assert entered or name not in acknowledged, "an acknowledged append was lost"
    assert len(acknowledged) <= len(in_ledger) <= len(acknowledged) + TASKS
    await store.aclose()
    return len(ledger)


async def test_no_acknowledged_append_is_lost_when_killed(
    appender: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    await survive(appender, tmp_path / "store.sqlite3", 15)


@pytest.mark.slow
async def test_no_acknowledged_append_is_lost_when_killed_100_times(
    appender: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    await survive(appender, tmp_path / "store.sqlite3", 100)


async def write_some(folder: Path, appends: int) -> tuple[bytes, list[int]]:
    """Write a store; return its log, and the log's length at each acknowledgement."""
    file = folder / "whole.sqlite3"
    await SqliteStore.open(file).aclose()
    shutil.copy(file, folder / "base.sqlite3")  # no log yet: nothing is written here any more
    log = folder / "whole.sqlite3-wal"
    lengths = []
    store = SqliteStore.open(file)
    for number in range(appends):
        append = ending(f"c{number}") if number % 2 else turn(f"c{number}")
        await store.append(append)
        lengths.append(log.stat().st_size)
    whole = log.read_bytes()
    await store.aclose()
    return whole, lengths


@pytest.mark.parametrize("torn", ["cut off", "zeros", "old bytes"])
async def test_a_torn_log_loses_only_what_was_not_yet_synced(tmp_path: Path, torn: str) -> None:
    """Whatever follows a synced length: all appends up to it are there, and of others nothing."""
    whole, lengths = await write_some(tmp_path, 8)
    offsets = {0, 31, len(whole), *lengths, *(n - 1 for n in lengths), *(n + 1 for n in lengths)}
    offsets |= {n - 2000 for n in lengths}
    for number, offset in enumerate(sorted(o for o in offsets if o <= len(whole))):
        file = tmp_path / f"{number}.sqlite3"
        shutil.copy(tmp_path / "base.sqlite3", file)
        lost = len(whole) - offset
        tail = {"cut off": b"", "zeros": bytes(lost), "old bytes": whole[:lost][::-1]}[torn]
        (tmp_path / f"{number}.sqlite3-wal").write_bytes(whole[:offset] + tail)
        synced = sum(length <= offset for length in lengths)
        store = SqliteStore.open(file)
        assert len(await store.entries(0, 100)) == synced
        for conversation in range(8):
            there = conversation < synced
            name = f"c{conversation}"
            assert len(await store.records(path(name, 2))) == 2 * there
            ended = await store.end_at(node_id(f"{name}/1")) is not None
            assert ended == (there and conversation % 2 == 1)
        await store.append(turn("afterwards"))
        await store.aclose()
        assert healthy(file)


def healthy(file: Path) -> bool:
    connection = sqlite3.connect(file)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
