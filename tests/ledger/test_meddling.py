"""Somebody meddles with the files: what they did is named, and nothing that is wrong is signed."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from adjourn.core.appeals import AppealReason, AppealState
from adjourn.core.entries import Append
from adjourn.core.errors import BadInput, StoreUnavailable
from adjourn.core.merkle import leaf_hash
from adjourn.report.ledger_check import check_ledger
from adjourn.report.signing import sign_ledger
from adjourn.runtime.appeals import Appeals
from adjourn.runtime.notes import Signer, read_checkpoint
from adjourn.store.jsonl_ledger import JsonlLedger
from adjourn.store.sqlite import SqliteStore
from adjourn.store.sqlite_ledger import SqliteLedger
from adjourn.testing import FakeClock
from tests.cli.conftest import Call, call

from .test_laws import LAWFUL
from .test_ledger import ROWS

__all__ = ["call"]

NODE = LAWFUL[-1].node


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A conversation that was ended, and a second one whose end was reversed."""
    from tests.core.tabletop import Chat, Table

    path = tmp_path_factory.mktemp("ledger") / "a.sqlite3"

    async def fill() -> None:
        store = SqliteStore.open(path)
        clock = FakeClock()
        for someone in ("one", "two"):
            table = Table()
            chat = Chat(table, request={"at_ms": clock.wall_ms, "model": someone})
            for _ in range(5):
                chat.say(f"{someone}, you idiot")
            for append in table.entries:
                await store.append(append)
        desk = Appeals(store, clock, b"k" * 32)
        await desk.file(next(iter(table.ends)), "")
        reason = AppealReason.OTHER
        await desk.decide(next(iter(table.ends)), "r", AppealState.REVERSED, reason, "")
        await store.aclose()

    asyncio.run(fill())
    return path


@pytest.fixture
def database(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path))


def meddle(database: Path, *statements: str) -> None:
    connection = sqlite3.connect(database)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def findings(database: Path) -> list[str]:
    with closing(SqliteLedger.open(str(database))) as ledger:
        found = check_ledger(ledger.stream(), ends=ledger.ends()).findings
    return [str(one) for one in found]


def test_the_files_as_the_gateway_left_them(database: Path) -> None:
    assert findings(database) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE entries SET body = CAST(x'ff' AS TEXT) WHERE position = 3", "entry 3: changed"),
        ("UPDATE entries SET body = 17 WHERE position = 3", "entry 3: changed"),
        ("UPDATE entries SET body = x'00' WHERE position = 3", "entry 3: its text is no entry"),
        ("UPDATE entries SET leaf_hash = 'text' WHERE position = 3", "entry 3: changed"),
        ("UPDATE entries SET at_ms = 'noon' WHERE position = 3", "entry 3: its date is not"),
        ("DELETE FROM entries WHERE position = 3", "entry 3: missing: the next one is 4"),
        ("UPDATE entries SET position = -1 WHERE position = 0", "entry -1: out of order"),
        ("DELETE FROM ends WHERE reversed_at_ms IS NULL", "nothing is locked"),
        ("UPDATE ends SET reversed_at_ms = 1", "is undone, and no entry says so"),
        ("UPDATE ends SET reversed_at_ms = NULL", "though an entry says that it was reversed"),
        ("UPDATE ends SET node = zeroblob(32) WHERE reversed_at_ms IS NULL",
         f"node {'0' * 64} is locked, and no entry says so"),
    ],
)  # fmt: skip
def test_what_was_done_to_the_database_is_named(database: Path, statement: str, told: str) -> None:
    meddle(database, statement)
    assert any(told in one for one in findings(database)), findings(database)


def test_every_flipped_byte_of_an_entry_is_found(database: Path) -> None:
    """One bit of each byte in turn, in a body; the file itself is not touched in between."""
    with closing(SqliteLedger.open(str(database))) as ledger:
        rows = list(ledger.stream())
    raw = rows[2].raw
    for place in range(0, len(raw), 7):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << place % 8
        body = bytes(flipped).decode("utf-8", "surrogateescape")
        assert leaf_hash(replace(rows[2], body=body).raw) != rows[2].leaf_hash
        changed = [*rows[:2], replace(rows[2], body=body), *rows[3:]]
        assert any(one.position == 2 for one in check_ledger(changed).findings)


def test_a_file_that_breaks_off_is_told(database: Path, call: Call) -> None:
    whole = database.read_bytes()
    database.write_bytes(whole[: len(whole) // 2])
    told = call("ledger", "verify", "--store", str(database))
    assert told.status in (1, 2)
    assert told.stderr.startswith("adjourn: ")
    assert told.stderr.count("\n") == 1


def test_a_copy_where_nothing_can_be_written_is_read(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connect = sqlite3.connect

    def refusing(name: str, **options: Any) -> sqlite3.Connection:
        asked.append(name)
        if "immutable" not in name:
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return cast("sqlite3.Connection", connect(name, **options))

    monkeypatch.setattr(sqlite3, "connect", refusing)
    assert findings(database) == []
    assert len(asked) == 2
    database.with_name(f"{database.name}-wal").write_bytes(b"newer entries")
    with pytest.raises(BadInput, match="unable to open"):
        SqliteLedger.open(str(database))


def exported(database: Path, call: Call) -> list[str]:
    return call("ledger", "export", "--store", str(database)).stdout.splitlines()


LINES: list[tuple[Callable[[list[str]], list[str]], str]] = [
    (lambda lines: lines, ""),
    (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "entry 1: out of order"),
    (lambda lines: [*lines[:4], *lines[3:]], "entry 3: out of order"),
    (lambda lines: [*lines[:4], "nonsense", *lines[5:]], "entry 4: its text is no entry"),
    (lambda lines: [*lines[:4], *lines[5:]], "entry 4: missing"),
    (lambda lines: [one.replace("idiot", "x") for one in lines[::-1]], "entry 0: out of order"),
]


@pytest.mark.parametrize(("change", "told"), LINES)
def test_what_was_done_to_an_export_is_named(
    database: Path, tmp_path: Path, call: Call, change: Callable[[list[str]], list[str]], told: str
) -> None:
    export = tmp_path / "a.jsonl"
    export.write_text("\n".join(change(exported(database, call))) + "\n")
    verdict = call("ledger", "verify", "--store", str(export))
    assert verdict.status == bool(told)
    assert told in verdict.stdout


def test_a_broken_ledger_is_not_exported(database: Path, call: Call) -> None:
    meddle(database, "UPDATE entries SET body = CAST(x'ff' AS TEXT) WHERE position = 1")
    told = call("ledger", "export", "--store", str(database))
    assert told.status == 1
    assert "entry 1 is not text" in told.stderr


def test_a_policy_is_held_against_the_ledger(database: Path, call: Call, tmp_path: Path) -> None:
    good = call("ledger", "verify", "--store", str(database), "--policy", "consumer-chat")
    assert good.status == 0
    missing = str(tmp_path / "no.toml")
    assert call("ledger", "verify", "--store", str(database), "--policy", missing).status == 2


def test_two_histories_are_never_signed(database: Path, tmp_path: Path) -> None:
    """A database put back from a backup, or rewritten, is refused by the key's own memory."""
    key = tmp_path / "log.key"
    signer = Signer.new("log.example")
    signer.write(key)
    with closing(SqliteLedger.open(str(database))) as ledger:
        rows = list(ledger.stream())
    verdict, note = sign_ledger(str(key), rows, rows[-1].at_ms)
    assert read_checkpoint(note, [signer.verifier]).root == verdict.root
    restored, nothing = sign_ledger(str(key), rows[:-2], rows[-1].at_ms)
    assert nothing == ""
    assert "dropped" in str(restored.findings[-1])
    other = [replace(row, position=n) for n, row in enumerate([*rows[1:], *ROWS[:3]])]
    rewritten, nothing = sign_ledger(str(key), other, rows[-1].at_ms)
    assert nothing == ""
    assert any("root is not that" in one.what for one in rewritten.findings)
    again, note = sign_ledger(str(key), rows, rows[-1].at_ms)
    assert note
    assert again == verdict
    Path(f"{key}.newest").write_text("nonsense")
    with pytest.raises(BadInput, match="not a checkpoint"):
        sign_ledger(str(key), rows, rows[-1].at_ms)
    Path(f"{key}.newest").unlink()
    Path(f"{key}.newest").mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        sign_ledger(str(key), rows, rows[-1].at_ms)


def test_a_key_signs_for_its_own_log_only() -> None:
    signer = Signer.new("log.example")
    note = signer.sign("another.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
    with pytest.raises(BadInput, match="not signed by a trusted key"):
        read_checkpoint(note, [signer.verifier])


def test_a_store_that_fails_is_one_line(
    call: Call, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_self: SqliteLedger) -> None:
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(SqliteLedger, "stream", failing)
    told = call("ledger", "verify", "--store", str(database))
    assert (told.status, told.stderr) == (1, "adjourn: the disk is gone\n")


def test_an_export_is_read_line_by_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        next(JsonlLedger(str(tmp_path / "none.jsonl")).stream())
    row = ROWS[0]
    line = {"position": 0, "leaf_hash": row.leaf_hash.hex(), "at_ms": row.at_ms, "body": row.body}
    (tmp_path / "a.jsonl").write_bytes(msgspec.json.encode(line))
    assert list(JsonlLedger(str(tmp_path / "a.jsonl")).stream()) == [row]


def test_a_ledger_is_read_as_of_one_moment(database: Path) -> None:
    """A gateway that goes on meanwhile cannot make a check see an end without its entry."""
    with closing(SqliteLedger.open(str(database))) as ledger:
        before = len(list(ledger.stream()))

        async def go_on() -> None:
            store = SqliteStore.open(database)
            await store.append(Append((), replace(LAWFUL[0], at_ms=1)))
            await store.aclose()

        asyncio.run(go_on())
        assert len(list(ledger.stream())) == before
