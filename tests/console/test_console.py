"""The console over a running gateway: who gets in, what is shown, what can be changed."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from adjourn.console.timeline import moments_of
from adjourn.core.ladder import CrisisStatus, PathState
from adjourn.core.pause import Pause
from adjourn.core.tree import NodeId
from adjourn.store.memory import MemoryStore
from tests.gateway.chatting import Conversation
from tests.gateway.conftest import Running, run, stopping
from tests.store.records import end_record, node

__all__ = ["run", "stopping"]

Run = Callable[..., Running]
USERS = [
    {"id": id_, "role": role, "sha256": hashlib.sha256(f"key of {id_}".encode()).hexdigest()}
    for id_, role in (("olga", "operator"), ("rene", "reviewer"), ("lea", "read-only"))
]
POLICY = """\
format = 1
name = "mine"
version = "1"
[keys]
by_policy = true
[crisis]
self_threshold = 0.5
others_threshold = 0.5
[grounds]
abuse = 0.8
[sources]
crisis = "a test"
grounds = "a test"
"""


@pytest.fixture
def running(run: Run, tmp_path: Path) -> Running:
    file = tmp_path / "mine.toml"
    file.write_text(POLICY)
    return run(policy_file=file, config={"console": {"users": USERS}})


def browser(running: Running) -> httpx2.Client:
    client = httpx2.Client(base_url=running.url, follow_redirects=True, timeout=20)
    running.clients.append(client)
    return client


def signed_in(running: Running, name: str) -> httpx2.Client:
    client = browser(running)
    page = client.post("/console/sign-in", data={"key": f"key of {name}"})
    assert page.status_code == 200
    assert name in page.text
    return client


@pytest.fixture
def olga(running: Running) -> httpx2.Client:
    return signed_in(running, "olga")


def abuse(running: Running, **options: Any) -> NodeId:
    """Have a conversation ended, and return its node."""
    chat = Conversation(running.sdk(), options=options)
    for _ in range(8):
        chat.say("you idiot")
        if chat.decision == "end":
            break
    with pytest.raises(openai.PermissionDeniedError) as refused:
        chat.say("and now?")
    return NodeId(refused.value.response.headers["x-adjourn-node"])


def token_of(page: httpx2.Response) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found
    return found[1]


PAGES = ["/console", "/console/ends", f"/console/ends/{'0' * 64}", "/console/policy",
         "/console/helplines"]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_nobody_gets_in_without_a_key(running: Running, path: str) -> None:
    for cookie in ("", "olga", "Im9sZ2Ei.aAaA.bbbb"):
        client = browser(running)
        if cookie:
            client.cookies.set("adjourn-console", cookie)
        page = client.get(path)
        assert page.url.path == "/console/sign-in"
        assert client.post("/console/policy", data={"text": "x"}).url.path == "/console/sign-in"


def test_a_wrong_key_is_told(running: Running) -> None:
    page = browser(running).post("/console/sign-in", data={"key": "key of nobody"})
    assert page.status_code == 401
    assert "not known" in page.text
    assert "set-cookie" not in page.headers


def test_with_no_users_the_mend_is_told(run: Run) -> None:
    page = browser(run()).get("/console")
    assert "[[console.users]]" in page.text


def test_the_cookie_is_strict(running: Running) -> None:
    client = httpx2.Client(base_url=running.url)
    running.clients.append(client)
    answer = client.post("/console/sign-in", data={"key": "key of lea"})
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/console"))


def test_figures_and_ends(running: Running, olga: httpx2.Client) -> None:
    assert "Nothing in 30 days" in olga.get("/console").text
    node = abuse(running, user="a")
    other = abuse(running, user="b")
    page = olga.get("/console").text
    row = re.search(r"ended</th>\s*<td class=\"n\">(\d+)", page)
    assert row
    assert row[1] == "2"
    assert node[:12] in olga.get("/console/ends").text
    found = olga.get("/console/ends", params={"q": f"abuse {node[:20]}"}).text
    assert node[:12] in found
    assert other[:12] not in found
    assert "0 found" in olga.get("/console/ends", params={"q": "nothing like it"}).text
    assert "2 found" in olga.get("/console/ends", params={"q": "policy", "page": "99"}).text


def test_pauses_are_among_the_figures_where_there_are_any(
    running: Running, olga: httpx2.Client
) -> None:
    assert "pauses that began" not in olga.get("/console").text
    pausing = POLICY + "[pause]\nenabled = true\n"
    form = {"text": pausing, "do": "live", "token": token_of(olga.get("/console/policy"))}
    assert "mine 1 is in force" in olga.post("/console/policy", data=form).text
    chat = Conversation(running.sdk())
    for _ in range(3):
        chat.say("crisis")
    assert "resumes_at" in chat.extension
    row = re.search(r"pauses that began</th>\s*<td class=\"n\">(\d+)", olga.get("/console").text)
    assert row
    assert row[1] == "1"


def test_a_pause_is_told_on_the_way_to_an_end() -> None:
    """Only where a later policy no longer takes for a crisis what an earlier one did."""
    state = PathState(CrisisStatus.PRESENT, pause=Pause(0, 60))
    end = end_record("a", 5)
    notes = [
        moments_of([node("a", state=one)], end, 2)[0].note
        for one in (state, replace(state, pause=Pause(0, 60, is_over=True)), PathState())
    ]
    assert notes == ["crisis on the path, answered by a pause", "crisis on the path", ""]


def test_the_evidence_of_an_end(running: Running, olga: httpx2.Client) -> None:
    page = olga.get(f"/console/ends/{abuse(running)}").text
    assert "ladder.warned 1/1" in page
    assert page.count('class="counted"') == 5
    assert page.count('class="said"') == 4
    assert "the end answered this" in page
    assert "you idiot" not in page
    assert olga.get("/console/ends/../../etc").status_code == 404
    assert olga.get(f"/console/ends/{'f' * 64}").status_code == 404


def test_forged_forms_change_nothing(running: Running, olga: httpx2.Client) -> None:
    lea = signed_in(running, "lea")
    stolen = token_of(lea.get("/console/policy"))
    for token in ("", "x", stolen):
        refused = olga.post("/console/policy", data={"text": POLICY, "do": "live", "token": token})
        assert refused.status_code == 403
    changed = POLICY.replace("0.8", "0.7")
    for name in ("lea", "rene"):
        client = signed_in(running, name)
        form = {"text": changed, "do": "live", "token": token_of(client.get("/console/policy"))}
        assert client.post("/console/policy", data=form).status_code == 403
    assert running.policy_file is not None
    assert running.policy_file.read_text() == POLICY


def test_a_changed_policy_is_proved_compared_and_put_in_force(
    running: Running, olga: httpx2.Client
) -> None:
    abuse(running)
    token = token_of(olga.get("/console/policy"))
    changed = POLICY.replace('version = "1"', 'version = "2"').replace("0.8", "1.0")
    tried = olga.post("/console/policy", data={"text": changed, "do": "try", "token": token}).text
    assert "Every law is proved" in tried
    assert "grounds.abuse.adult" in tried
    assert re.search(r"1 conversations? would have gone another way", tried)
    assert running.policy_file is not None
    assert running.policy_file.read_text() == POLICY
    told = olga.post("/console/policy", data={"text": changed, "do": "live", "token": token}).text
    assert "mine 2 is in force" in told
    assert running.policy_file.read_text() == changed
    chat = Conversation(running.sdk(), options={"user": "later"})
    chat.say("you idiot")
    assert chat.decision == "continue"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("format = 1\nname = 'x'\nversion = '1'\nladdder = 1\n", "mine.toml:4: laddder"),
        ("<script>alert(1)</script>", "not TOML"),
        ("", "mine.toml: format"),
    ],
)
def test_a_broken_policy_is_told_and_stays_out(
    running: Running, olga: httpx2.Client, text: str, told: str
) -> None:
    token = token_of(olga.get("/console/policy"))
    for do in ("try", "live"):
        page = olga.post("/console/policy", data={"text": text, "do": do, "token": token}).text
        assert told in page
        assert "<script>" not in page
    assert running.policy_file is not None
    assert running.policy_file.read_text() == POLICY


def test_a_preset_cannot_be_changed(run: Run) -> None:
    olga = signed_in(run(config={"console": {"users": USERS}}), "olga")
    token = token_of(olga.get("/console/policy"))
    page = olga.post("/console/policy", data={"text": POLICY, "do": "live", "token": token}).text
    assert "a preset cannot be changed" in page


def test_help_lines_to_check(olga: httpx2.Client) -> None:
    page = olga.get("/console/helplines").text
    assert "3114" in page
    assert "never called by anybody here" in page
    assert "not shown" in page


def test_a_store_that_is_down_is_told(running: Running, olga: httpx2.Client) -> None:
    node = abuse(running)
    olga.get("/console")
    assert isinstance(running.store, MemoryStore)
    running.store.available = False
    assert "does not answer" in olga.get("/console").text
    assert olga.get(f"/console/ends/{node}").status_code == 503


def test_signing_out(running: Running, olga: httpx2.Client) -> None:
    olga.post("/console/sign-out", data={"token": "forged"})
    assert olga.get("/console").url.path == "/console"
    olga.post("/console/sign-out", data={"token": token_of(olga.get("/console"))})
    assert olga.get("/console").url.path == "/console/sign-in"
