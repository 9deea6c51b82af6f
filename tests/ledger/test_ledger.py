"""Whatever is done to a ledger is found, and named; two verifiers agree."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.entries import Append
from adjourn.core.errors import BadInput
from adjourn.core.merkle import is_consistent, is_included, leaf_hash, root_of
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow
from adjourn.report.ledger_check import TOLERANCE_MS, check_ledger
from adjourn.runtime.notes import Checkpoint, Signer, Verifier, read_checkpoint
from adjourn.store.codec import encode, ledger_row
from adjourn.store.sqlite import SqliteStore
from tests.cli.conftest import Call, call
from tests.report.test_figures import AT_MS, entry

from .second_verifier import complaints

__all__ = ["call"]

SIGNER = Signer.new("log.example.org/chat")
ENTRIES = [
    replace(
        entry(f"talk-{n % 7}", "warn" if n % 5 == 0 else "continue"),
        node=NodeId(f"{n:064x}"),
        parent=NodeId("0" * 64),
        at_ms=AT_MS + n * 60_000,
    )
    for n in range(23)
]


def rows_of(entries: list[Any]) -> list[LedgerRow]:
    bodies = [(encode(one), one.at_ms) for one in entries]
    return [ledger_row(n, leaf_hash(b.encode()), at, b) for n, (b, at) in enumerate(bodies)]


ROWS = rows_of(ENTRIES)


def checkpoint_of(rows: list[LedgerRow]) -> Checkpoint:
    newest = rows[-1].at_ms if rows else AT_MS
    return Checkpoint(SIGNER.name, len(rows), root_of([r.leaf_hash for r in rows]), newest)


def renumbered(rows: list[LedgerRow]) -> list[LedgerRow]:
    return [replace(row, position=n) for n, row in enumerate(rows)]


def rewritten(row: LedgerRow, **more: Any) -> LedgerRow:
    """Somebody changes an entry and its hash with it."""
    assert row.entry is not None
    changed = replace(row.entry, **more)
    body = encode(changed)
    return ledger_row(row.position, leaf_hash(body.encode()), changed.at_ms, body)


def test_a_ledger_as_it_should_be() -> None:
    checkpoints = [checkpoint_of(ROWS[:size]) for size in (0, 1, 8, 23)]
    verdict = check_ledger(ROWS, checkpoints, [row.leaf_hash for row in ROWS[:20]])
    assert verdict.findings == ()
    assert verdict.root == checkpoints[-1].root


@given(
    st.integers(0, 19),
    st.sampled_from(["change", "rewrite", "drop", "swap", "put in", "back-date"]),
)
def test_whatever_is_done_is_found_and_named(place: int, way: str) -> None:
    rows = list(ROWS)
    if way == "change":
        rows[place] = replace(rows[place], body=rows[place].body.replace("talk", "walk"))
    elif way == "rewrite":
        rows[place] = rewritten(rows[place], model="another")
    elif way == "drop":
        del rows[place]
    elif way == "swap":
        one, two = rows[place], rows[place + 1]
        rows[place : place + 2] = [replace(two, position=place), replace(one, position=place + 1)]
    elif way == "put in":
        new = rewritten(rows[place], node=NodeId("f" * 64))
        rows = renumbered([*rows[:place], new, *rows[place:]])
    else:
        rows.append(rewritten(replace(rows[-1], position=23), at_ms=AT_MS - 2 * TOLERANCE_MS))
    signed = [checkpoint_of(ROWS[:size]) for size in (5, 10, 15, 20, 23)]
    blamed = check_ledger(rows, signed).findings
    where = 23 if way == "back-date" else place
    assert any(f.position is not None and f.position <= where <= (f.last or f.position)
               for f in blamed), blamed  # fmt: skip
    named = check_ledger(rows, signed, [row.leaf_hash for row in ROWS]).findings
    assert any(f.position == where for f in named), named


def test_a_ledger_cut_short_is_found() -> None:
    (found,) = check_ledger(ROWS[:20], [checkpoint_of(ROWS)]).findings
    assert str(found) == "entries 20 to 22: dropped: a checkpoint was signed over 23 entries"
    assert check_ledger(ROWS[:20], (), [row.leaf_hash for row in ROWS]).findings


def test_notes_are_signed_and_read_back() -> None:
    made = checkpoint_of(ROWS)
    note = SIGNER.sign(made.body())
    assert read_checkpoint(note, [SIGNER.verifier]) == made
    assert Verifier.parse(str(SIGNER.verifier)) == SIGNER.verifier
    other = Signer.new(SIGNER.name).verifier
    for wrong in (note.replace("\n23\n", "\n22\n"), note.replace("—", "-"), note[:-9]):
        with pytest.raises(BadInput):
            read_checkpoint(wrong, [SIGNER.verifier])
    with pytest.raises(BadInput, match="not signed by a trusted key"):
        read_checkpoint(note, [other])
    for nonsense in ("", "a\nb\nc\n", "a\n1\nAAAA\n", "a\n٣\n" + "A" * 43 + "=\n"):
        with pytest.raises(BadInput, match="not a checkpoint"):
            read_checkpoint(nonsense)
    for key in ("", "x", "a+b+c", f"x{SIGNER.verifier}"):
        with pytest.raises(BadInput):
            Verifier.parse(key)


def test_a_known_note_verifies() -> None:
    """The example of the signed-note specification (c2sp.org/signed-note)."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfq"
        "dngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert Verifier.parse(key).signed(note)
    assert not Verifier.parse(key).signed(note.replace("problem is", "problem was"))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a.sqlite3"

    async def fill() -> None:
        store = SqliteStore.open(path)
        for one in ENTRIES:
            await store.append(Append((), one))
        await store.aclose()

    asyncio.run(fill())
    return path


def test_the_command_line(call: Call, database: Path, tmp_path: Path) -> None:
    store, secret, note = str(database), tmp_path / "log.key", tmp_path / "checkpoint"
    public = call("ledger", "key", "--name", "log.example.org", "--out", str(secret)).stdout.strip()
    assert secret.stat().st_mode & 0o777 == 0o600
    assert "exists" in call("ledger", "key", "--name", "a", "--out", str(secret)).complaint
    signed = call("ledger", "checkpoint", "--store", store, "--key", str(secret))
    note.write_text(signed.stdout)
    good = call("ledger", "verify", "--store", store, "--checkpoint", str(note), "--vkey", public)
    assert good.status == 0
    assert good.stdout.startswith("23 entries, root ")
    export = call("ledger", "export", "--store", store).stdout
    (tmp_path / "a.jsonl").write_text(export)
    assert call("ledger", "verify", "--store", str(tmp_path / "a.jsonl")).status == 0
    assert complaints(export, note.read_text(), public) == []
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE entries SET body = replace(body, 'talk-3', 'talk-4')")
    connection.close()
    bad = call("ledger", "verify", "--store", store, "--checkpoint", str(note), "--json")
    assert bad.status == 1
    assert {finding["position"] for finding in bad.json["findings"]} >= {3, 10, 17}
    export = call("ledger", "export", "--store", store).stdout
    assert "entry 3 was changed" in complaints(export, note.read_text(), public)
    again = call("ledger", "checkpoint", "--store", store, "--key", str(secret),
                 "--previous", str(note))  # fmt: skip
    assert again.status == 1
    assert "Not signed." in again.stderr


def test_proofs(call: Call, database: Path) -> None:
    store = str(database)
    node = ENTRIES[7].node
    proved = call("ledger", "proof", "--store", store, "--node", node).json
    proof = [bytes.fromhex(one) for one in proved["proof"]]
    leaf = leaf_hash(proved["body"].encode())
    assert is_included(leaf, 7, 23, proof, bytes.fromhex(proved["root"]))
    grown = call("ledger", "proof", "--store", store, "--since", "9", "--size", "20").json
    proof = [bytes.fromhex(one) for one in grown["proof"]]
    roots = bytes.fromhex(grown["earlier_root"]), bytes.fromhex(grown["root"])
    assert is_consistent(9, roots[0], 20, roots[1], proof)
    for wrong in (("--position", "23"), ("--node", "x"), (), ("--since", "24"), ("--size", "99")):
        assert call("ledger", "proof", "--store", store, *wrong).complaint


def test_the_second_verifier_runs_alone(call: Call, database: Path, tmp_path: Path) -> None:
    (tmp_path / "note").write_text(SIGNER.sign(checkpoint_of(ROWS).body()))
    (tmp_path / "export").write_text(call("ledger", "export", "--store", str(database)).stdout)
    script = Path(__file__).with_name("second_verifier.py")
    alone = shutil.copy(script, tmp_path)
    command = [sys.executable, "-I", alone, "export", "note", str(SIGNER.verifier)]
    agreed = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert (agreed.returncode, agreed.stdout) == (0, "agrees\n"), agreed.stderr
    assert "adjourn" not in script.read_text().split('"""')[2]


def test_files_that_are_none_are_told(call: Call, tmp_path: Path) -> None:
    odd = tmp_path / "odd.jsonl"
    odd.write_text('{"position": 0}\n')
    assert "odd.jsonl:1: not an entry" in call("ledger", "verify", "--store", str(odd)).complaint
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert msgspec.json.decode(call("ledger", "verify", "--store", str(empty), "--json").stdout)
    told = call("ledger", "checkpoint", "--store", str(empty)).complaint
    assert "no signing key" in told
    told = call("ledger", "checkpoint", "--store", str(empty), "--key", str(odd)).complaint
    assert "holds no signing key" in told
    assert "no name" in call("ledger", "key", "--name", "a b", "--out", str(odd)).complaint
