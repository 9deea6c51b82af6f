"""The report as files, on the web, and counted again."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from adjourn.core.entries import Append, Entry, EntryKind
from adjourn.core.policy import Policy
from adjourn.core.tree import NodeId
from adjourn.report.documents import Report, as_csv, as_json, read_json
from adjourn.report.figures import figures_of
from adjourn.report.page import render_page
from adjourn.runtime.notes import Signer, Verifier, read_checkpoint
from adjourn.runtime.policies import load_policy
from adjourn.store.memory import MemoryStore
from adjourn.store.sqlite import SqliteStore
from tests.cli.conftest import Call, call
from tests.gateway.conftest import Running, run, stopping

from .test_figures import ENTRIES, NOVEMBER, entry

__all__ = ["call", "run", "stopping"]

REPORT = Report(figures_of(ENTRIES, NOVEMBER), len(ENTRIES))
ABUSIVE = [entry(str(number), "end", language="pt") for number in range(12)]
MANY = Report(figures_of(ABUSIVE, NOVEMBER), len(ABUSIVE))


def filled(path: Path, entries: Sequence[Entry]) -> Path:
    """A ledger as a gateway leaves it."""

    async def fill() -> None:
        store = SqliteStore.open(path)
        for number, one in enumerate(entries):
            node = NodeId(f"{number:064x}")  # every entry is a leaf of its own
            await store.append(Append((), replace(one, node=node, parent=NodeId("0" * 64))))
        await store.aclose()

    asyncio.run(fill())
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return filled(tmp_path / "ledger.sqlite3", ENTRIES)


def test_json_comes_back_as_it_was() -> None:
    assert read_json(as_json(REPORT)) == REPORT


def test_csv_has_every_figure() -> None:
    rows = as_csv(REPORT).splitlines()
    assert "ended_by_ground,abuse,10,,,," in as_csv(MANY).splitlines()
    assert any(row.startswith("ended,,1,8,1250.0,") for row in rows)


def test_the_page_says_what_the_figures_say() -> None:
    page = render_page(REPORT, load_policy("consumer-chat")[0])
    assert "<script" not in page
    assert re.search(r"ended on the policy&#39;s grounds</th><td class=\"n\">1</td>", page)
    assert "Nothing that is listed" in page
    assert "http://" not in re.sub(r"http://(www\.w3\.org|purl\.org|creativecommons)\S*", "", page)
    assert page.count("<svg") == 1
    assert render_page(REPORT, load_policy("consumer-chat")[0]) == page
    tables = render_page(MANY, load_policy("consumer-chat")[0])
    assert tables.count("<svg") == 2
    assert re.search(r"pt</th><td class=\"n\">10</td>", tables)
    bare = render_page(replace(REPORT, tables=False), load_policy("consumer-chat")[0])
    assert "totals and no tables" in bare


def test_pauses_are_on_the_page_where_there_were_any() -> None:
    policy = load_policy("consumer-chat")[0]
    assert "Pauses" not in render_page(REPORT, policy)
    paused = entry("p", "support", rules=("crisis.on_path", "pause.began 0/600"))
    told = Report(figures_of([paused], NOVEMBER), 1)
    assert "Pauses that began: 1. In them 1 messages" in render_page(told, policy)
    assert {"pauses,,1,,,,", "answered_in_pauses,,1,,,,"} <= set(as_csv(told).splitlines())
    before = as_json(REPORT).replace(b'"pauses": 0,', b"").replace(b"answered_in_pauses", b"later")
    assert read_json(before) == REPORT, "one that was published before there were pauses"


def test_nothing_a_client_sends_becomes_markup() -> None:
    evil = [entry(str(n), "end", model='<img src=x onerror="1">') for n in range(9)]
    page = render_page(Report(figures_of(evil, NOVEMBER), 9), Policy(name="<b>x</b>"))
    assert "<img" not in page
    assert "<b>x" not in page


def test_files_are_written_and_checked(call: Call, database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = call("report", "--store", str(database), "--period", "2026-11", "--out", str(out))
    assert made.status == 0, made
    assert {str(one.relative_to(out)) for one in out.rglob("*.*")} == {
        "report.html", "report.json", "report.csv",
        "submissions/dsa-statements.json", "submissions/dsa-dump.csv",
    }  # fmt: skip
    checked = call("report", "--store", str(database), "--check", str(out / "report.json"))
    assert checked.status == 0
    assert "every number is what the first" in checked.stdout
    text = (out / "report.json").read_text()
    (out / "report.json").write_text(text.replace('"turns": 17', '"turns": 16'))
    wrong = call("report", "--store", str(database), "--check", str(out / "report.json"))
    assert wrong.status == 1
    assert "turns: published 16, the ledger says 17" in wrong.stdout


def test_a_report_is_signed_where_there_is_a_key(call: Call, tmp_path: Path) -> None:
    lawful = [one for one in ENTRIES if one.kind not in (EntryKind.END, EntryKind.APPEAL)]
    database = filled(tmp_path / "a.sqlite3", lawful)
    public = call("ledger", "key", "--name", "log.example", "--out", str(tmp_path / "key")).stdout
    (tmp_path / "a.toml").write_text(f"[ledger]\nkey_file = '{tmp_path / 'key'}'\n")
    where = ("--config", str(tmp_path / "a.toml"), "--store", str(database))
    made = call("report", *where, "--period", "2026-11", "--json").json
    checkpoint = read_checkpoint(made["checkpoint"], [Verifier.parse(public)])
    assert checkpoint.size == made["up_to"] == len(lawful)
    file, check = tmp_path / "report.json", ("report", *where, "--check")
    file.write_bytes(msgspec.json.encode(made))
    assert call(*check, str(file), "--vkey", public).status == 0
    other = str(Signer.new("log.example").verifier)
    told = call(*check, str(file), "--vkey", other)
    assert (told.status, "not signed by a trusted key" in told.stdout) == (1, True)
    file.write_bytes(msgspec.json.encode({**made, "up_to": made["up_to"] - 1, "k": 2}))
    told = call(*check, str(file), "--vkey", public)
    assert "its checkpoint is not over these entries" in told.stdout
    assert "k: published 2, here it is 5" in told.stdout
    file.write_bytes(msgspec.json.encode({**made, "checkpoint": ""}))
    assert "carries no checkpoint" in call(*check, str(file), "--vkey", public).stdout


def test_a_year_has_the_california_report(call: Call, database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call("report", "--store", str(database), "--period", "2026", "--out", str(out))
    assert (
        msgspec.json.decode((out / "submissions/sb243.json").read_bytes())["calendar_year"]
        == "2026"
    )


def test_what_cannot_be_reported_is_told(call: Call, database: Path, tmp_path: Path) -> None:
    assert "is no period" in call("report", "--store", str(database), "--period", "x").complaint
    missing = str(tmp_path / "none.sqlite3")
    assert "cannot be opened" in call("report", "--store", missing).complaint
    (tmp_path / "odd").write_text("odd" * 999)
    assert "holds no ledger" in call("report", "--store", str(tmp_path / "odd")).complaint
    told = call("report", "--store", str(database), "--check", str(tmp_path / "odd")).complaint
    assert "not a report" in told


def test_only_periods_that_are_over_are_published(run: Callable[..., Running]) -> None:
    http = run(store=MemoryStore()).http()
    assert http.get("/transparency").status_code == 200
    assert http.get("/adjourn/v1/report").json()["figures"]["conversations"] == 0
    assert http.get("/adjourn/v1/report?format=csv").text.startswith("figure,part")
    assert http.get("/adjourn/v1/report?period=2999-01").status_code == 404
    assert http.get("/adjourn/v1/report?period=<b>").status_code == 400


def test_a_ledger_that_is_wrong_is_not_signed(call: Call, database: Path, tmp_path: Path) -> None:
    call("ledger", "key", "--name", "log.example", "--out", str(tmp_path / "key"))
    (tmp_path / "a.toml").write_text(f"[ledger]\nkey_file = '{tmp_path / 'key'}'\n")
    where = ("--config", str(tmp_path / "a.toml"), "--store", str(database))
    made = call("report", *where, "--period", "2026-11", "--json")
    assert made.json["checkpoint"] == ""
    assert "the report is not signed" in made.stderr
