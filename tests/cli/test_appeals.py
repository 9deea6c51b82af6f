"""``adjourn appeals``."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from adjourn.runtime.appeals import Appeals
from adjourn.runtime.sealing import read_key
from adjourn.store.sqlite import SqliteStore
from adjourn.testing import FakeClock
from tests.store.records import end_record, node_id, turn

from .conftest import Call

NODE = node_id("talk/1")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one end, and an appeal against it."""
    path = tmp_path / "a.sqlite3"

    async def fill() -> None:
        opened = SqliteStore.open(path)
        await opened.append(replace(turn("talk"), end=end_record("talk")))
        desk = Appeals(opened, FakeClock(), read_key(path.with_suffix(".appeal-key")))
        await desk.file(NODE, "please look again")
        await opened.aclose()

    asyncio.run(fill())
    return path


def test_an_appeal_is_listed_shown_and_decided(call: Call, store: Path) -> None:
    where = ("--store", str(store))
    assert NODE[:16] in call("appeals", "list", *where).stdout
    assert call("appeals", "list", "--json", *where).json[0]["state"] == "filed"
    assert call("appeals", "show", NODE, *where).json["words"] == "please look again"
    how = ("--reviewer", "rene", "--reason", "misread", "--answer", "sorry")
    assert call("appeals", "decide", NODE, "reversed", *how, *where).json["state"] == "reversed"
    again = call("appeals", "decide", NODE, "upheld", *how, *where).json
    assert (again["state"], again["answer"]) == ("reversed", "sorry")
    kinds = [
        line for line in call("ledger", "export", *where).stdout.splitlines() if "appeal" in line
    ]
    assert len(kinds) == 2


def test_what_is_not_there_is_told(call: Call, store: Path, tmp_path: Path) -> None:
    where = ("--store", str(store))
    for node in ("x", "0" * 64):
        told = call("appeals", "show", node, *where)
        assert (told.status, told.stdout) == (1, "")
        assert "There is no appeal" in told.stderr
    empty = ("--store", str(tmp_path / "new.sqlite3"))
    assert call("appeals", "list", *empty).stdout == "There are no appeals.\n"
    assert call("appeals", "decide", NODE, "maybe", *where).status == 2
