"""Objections: filed by whoever has the link, decided in the console, undoing the end at once."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from adjourn.core.appeals import AppealReason, AppealState
from adjourn.core.entries import EntryKind
from adjourn.core.messages import Message
from adjourn.runtime.appeals import KEPT_DAYS, Appeals
from adjourn.runtime.evidence import Evidence
from adjourn.runtime.sealing import read_key
from adjourn.store.memory import MemoryStore
from adjourn.store.sqlite import SqliteStore
from adjourn.testing import FakeClock
from tests.console.test_console import USERS, browser, signed_in, token_of
from tests.store.records import end_record, node_id, turn

from .chatting import Conversation
from .conftest import Running

Run = Callable[..., Running]
HTML = {"accept": "text/html,application/xhtml+xml"}


def ended(running: Running, **options: Any) -> Conversation:
    chat = Conversation(running.sdk(), options=options)
    while chat.decision != "end":
        chat.say("you idiot")
    return chat


def link_of(running: Running, chat: Conversation) -> str:
    """The link that came with the end, on this machine's address."""
    assert chat.extension["appeal_url"] in chat.messages[-1]["content"]
    return str(chat.extension["appeal_url"]).replace("http://gateway.test", running.url)


def object_to(client: httpx2.Client, link: str, words: str) -> httpx2.Response:
    page = client.get(link, headers=HTML)
    assert page.status_code == 200
    action = re.search(r'action="([^"]+)"', page.text)
    token = re.search(r'name="t" value="([^"]+)"', page.text)
    assert action
    assert token
    return client.post(action[1], data={"t": token[1], "words": words}, headers=HTML)


def test_reversal_reopens_over_the_wire(run: Run) -> None:
    """From the end by way of an objection and its reversal to going on."""
    running = run(config={"console": {"users": USERS}})
    chat = ended(running, user="u")
    link, node = link_of(running, chat), chat.extension["node"]
    with pytest.raises(openai.PermissionDeniedError):
        chat.say("and now?")
    chat.messages.pop()
    page = object_to(browser(running), link, "It was a <b>quotation</b>.")
    assert "It waits for a person" in page.text
    assert "It was a &lt;b&gt;quotation" in page.text
    rene = signed_in(running, "rene")
    assert node[:12] in rene.get("/console/appeals").text
    evidence = rene.get(f"/console/ends/{node}")
    assert "quotation" in evidence.text
    form = {"token": token_of(evidence), "do": "take"}
    assert "Taken up" in rene.post(f"/console/ends/{node}", data=form).text
    form |= {"do": "reversed", "reason": "context", "answer": "You were right."}
    assert "Appeal: reversed" in rene.post(f"/console/ends/{node}", data=form).text
    chat.say("thank you")
    assert chat.decision != "end"
    told = browser(running).get(link, headers=HTML).text
    assert "This conversation is open again" in told
    assert "You were right." in told
    reading = running.store.entries(0, 100)
    entries = asyncio.run_coroutine_threadsafe(reading, running.loop).result(10)
    steps = [(e.decision, e.requested_by) for _, e in entries if e.kind is EntryKind.APPEAL]
    assert steps == [("filed", "user"), ("acknowledged", "rene"), ("reversed", "rene")]


def test_an_end_that_is_upheld_stays(run: Run) -> None:
    running = run(config={"console": {"users": USERS}})
    chat = ended(running)
    link = link_of(running, chat)
    object_to(browser(running), link, "")
    rene = signed_in(running, "rene")
    page = f"/console/ends/{chat.extension['node']}"
    form = {"token": token_of(rene.get(page)), "do": "upheld", "reason": "confirmed"}
    rene.post(page, data=form)
    assert "Appeal: upheld" in rene.post(page, data={**form, "do": "reversed"}).text
    with pytest.raises(openai.PermissionDeniedError):
        chat.say("and now?")
    told = browser(running).get(link, headers=HTML).text
    assert "the end stands" in told


def test_only_the_link_allows_it(run: Run) -> None:
    running = run()
    first, second = ended(running, user="a"), ended(running, user="b")
    client = browser(running)
    node, other = first.extension["node"], second.extension["node"]
    token = link_of(running, first).partition("?t=")[2]
    plain = client.get(f"/adjourn/v1/statements/{node}", headers=HTML)
    assert "open the link that came with the end" in plain.text
    for wrong_node, wrong in ((node, ""), (node, "x" * 24), (other, token), ("f" * 64, token)):
        body = {"node": wrong_node, "token": wrong}
        assert client.post("/adjourn/v1/appeals", json=body).status_code == 403
        form = client.post(f"/adjourn/appeals/{wrong_node}", data={"t": wrong})
        assert form.status_code == 403
        assert client.get(f"/adjourn/v1/appeals/{wrong_node}?t={wrong}").status_code == 404
    filed = client.post("/adjourn/v1/appeals", json={"node": node, "token": token, "words": "a"})
    assert (filed.status_code, filed.json()["state"]) == (201, "filed")
    again = client.post("/adjourn/v1/appeals", json={"node": node, "token": token, "words": "b"})
    assert again.json() == filed.json()
    assert client.get(f"/adjourn/v1/appeals/{node}?t={token}").json() == filed.json()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b'{"node": 1}', 400), (b"\xff", 400), (b"x" * 99_999, 413)],
)
def test_bad_filings_are_told(run: Run, body: bytes, status: int) -> None:
    answer = browser(run()).post("/adjourn/v1/appeals", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_who_may_decide(run: Run) -> None:
    running = run(config={"console": {"users": USERS}})
    chat = ended(running)
    object_to(browser(running), link_of(running, chat), "")
    page = f"/console/ends/{chat.extension['node']}"
    lea, rene = signed_in(running, "lea"), signed_in(running, "rene")
    form = {"do": "reversed", "reason": "other"}
    assert "Deciding it needs the role reviewer" in lea.get(page).text
    token = token_of(lea.get(page))
    assert lea.post(page, data={**form, "token": token}).status_code == 403
    assert rene.post(page, data={**form, "token": token}).status_code == 403
    own = token_of(rene.get(page))
    for wrong in ({"do": "reversed", "reason": "because"}, {"do": "filed", "reason": "other"}, {}):
        assert rene.post(page, data={**wrong, "token": own}).status_code == 400
    with pytest.raises(openai.PermissionDeniedError):
        chat.say("and now?")


async def test_what_people_write_is_unreadable_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite3"
    store = SqliteStore.open(file)
    clock = FakeClock()
    desk = Appeals(store, clock, read_key(tmp_path / "key"))
    append = turn("talk")
    await store.append(replace(append, end=end_record("talk")))
    node = node_id("talk/1")
    await desk.file(node, "a secret sentence")
    await desk.decide(node, "rene", AppealState.UPHELD, AppealReason.CONFIRMED, "a private answer")
    written = await desk.of(node)
    assert written
    assert (written.words, written.answer) == ("a secret sentence", "a private answer")
    other = await Appeals(store, clock, b"k" * 32).of(node)
    assert other
    assert "cannot be read" in other.words
    clock.advance((KEPT_DAYS + 1) * 86_400)
    assert await desk.file(node_id("nobody"), "x") is None
    erased = await desk.of(node)
    assert erased
    assert (erased.words, erased.answer) == ("", "")
    assert erased.appeal.state is AppealState.UPHELD
    await store.aclose()
    with sqlite3.connect(file) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert "secret" not in dump
    assert "private" not in dump
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


async def test_two_reviewers_cannot_both_decide() -> None:
    store = MemoryStore()
    await store.append(replace(turn("talk"), end=end_record("talk")))
    desk = Appeals(store, FakeClock(), b"k" * 32)
    await desk.file(node_id("talk/1"), "")
    node, confirmed = node_id("talk/1"), AppealReason.CONFIRMED
    both = await asyncio.gather(
        desk.decide(node, "a", AppealState.UPHELD, confirmed, ""),
        desk.decide(node, "b", AppealState.REVERSED, confirmed, ""),
    )
    assert len({one.appeal.state for one in both if one}) == 1
    assert await desk.acknowledge(node, "c") == both[0]
    assert await desk.acknowledge(node_id("nobody"), "c") is None
    assert await desk.decide(node_id("nobody"), "c", AppealState.UPHELD, confirmed, "") is None


def test_evidence_is_kept_only_if_it_is_turned_on(run: Run) -> None:
    for days in (0, 30):
        config = {"console": {"users": USERS}, "evidence": {"keep_days": days}}
        running = run(config=config, store=MemoryStore())
        chat = ended(running, user="u")
        node = chat.extension["node"]
        rene, lea = signed_in(running, "rene"), signed_in(running, "lea")
        page = rene.get(f"/console/ends/{node}")
        assert ("you idiot" in page.text) == bool(days)
        assert "you idiot" not in lea.get(f"/console/ends/{node}").text
        form = {"do": "erase", "token": token_of(lea.get("/console/policy"))}
        assert lea.post(f"/console/ends/{node}", data=form).status_code == 403
        erased = rene.post(f"/console/ends/{node}", data={"do": "erase", "token": token_of(page)})
        assert "you idiot" not in erased.text
        reading = running.store.entries(0, 100)
        entries = asyncio.run_coroutine_threadsafe(reading, running.loop).result(10)
        actions = [e.decision for _, e in entries if e.kind is EntryKind.CONSOLE]
        assert ("evidence_erased" in actions) == ("evidence_read" in actions) == bool(days)


def test_an_end_the_user_asked_for_leaves_no_evidence(run: Run) -> None:
    running = run(config={"evidence": {"keep_days": 30}}, store=MemoryStore())
    chat = Conversation(running.sdk())
    for text in ("hello", "finish", "yes"):
        chat.say(text)
    assert chat.decision == "end"
    asked = running.store.evidence(chat.extension["node"])
    assert asyncio.run_coroutine_threadsafe(asked, running.loop).result(10) is None


async def test_evidence_is_sealed_and_does_not_last() -> None:
    store, clock = MemoryStore(), FakeClock()
    kept = Evidence(store, clock, b"k" * 32, 30)
    long = [
        Message.of("user", "x" * 150_000),
        Message.of("tool", "t"),
        Message.of("assistant", "y" * 60_000),
    ]
    await kept.keep(node_id("a"), long)
    assert [(role, len(text)) for role, text in await kept.of(node_id("a"))] == [
        ("assistant", 60_000)
    ]
    sealed = await store.evidence(node_id("a"))
    assert sealed
    assert b"yyyy" not in sealed
    other = Evidence(store, clock, b"o" * 32, 30)
    assert "cannot be read" in (await other.of(node_id("a")))[0][1]
    clock.advance(31 * 86_400)
    await kept.keep(node_id("b"), [Message.of("user", "\ud800")])
    assert await kept.of(node_id("a")) == []
    assert await kept.of(node_id("b")) == [("user", "?")]
    store.available = False
    await kept.keep(node_id("c"), long)
