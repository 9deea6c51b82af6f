"""Faults that concern the gateway; each test names the number and the words of its fault."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from adjourn.config import Config
from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.messages import Message
from adjourn.runtime.policies import load_policy
from adjourn.testing import FakeClock
from tests.gateway.chatting import Conversation
from tests.gateway.conftest import Running, run, stopping
from tests.gateway.model_server import Answer, completion, stream
from tests.gateway.raw import connected, eventually, exchange, post

from .asgi import ask, front

__all__ = ["run", "stopping"]
Run = Callable[..., Running]

HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
EVENTS = {"content-type": "text/event-stream"}


def test_upstream_cut_mid_stream(run: Run) -> None:
    """11: upstream cut mid-stream: clean EOF, RST, at every place: an error event, no strike."""
    whole = b"".join(stream("One two.").pieces)
    given: list[Answer] = []
    running = run(script=lambda _: given[-1])
    body = json.dumps({**HELLO, "stream": True}).encode()
    last = whole.index(b'"stop"')
    for ending in ("eof", "reset"):
        for place in range(0, last, 97):
            given.append(Answer(headers=EVENTS, pieces=[whole[:place]], ending=ending))
            reply = exchange(running, post(body, "connection: close"))
            assert b"[DONE]" not in reply
            assert b'"error"' in reply, (ending, place)
    assert not running.store_nodes()


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 502, 503, 529])
def test_upstream_errors(run: Run, status: int) -> None:
    """12: upstream 429/5xx/HTML error page: faithful status, Retry-After, right content type."""
    page = b"<html>busy</html>"
    head = {"content-type": "text/html", "retry-after": "7", "x-odd": "1"}
    running = run(script=lambda _: Answer(status, head, [page]))
    for streaming in (False, True):
        reply = running.http().post("/v1/chat/completions", json={**HELLO, "stream": streaming})
        assert (reply.status_code, reply.content) == (status, page)
        assert {name: reply.headers[name] for name in head} == head
    assert not running.store_nodes()


def test_upstream_that_does_not_answer(run: Run) -> None:
    """12: timeouts: 502 in the dialect's form, and the next request is served."""
    answers = iter([Answer(ending="hang"), completion("Fine.")])
    running = run(script=lambda _: next(answers), upstream={"head_timeout_s": 0.5})
    assert running.http().post("/v1/chat/completions", json=HELLO).status_code == 502
    assert running.http().post("/v1/chat/completions", json=HELLO).status_code == 200


@pytest.mark.parametrize(
    ("path", "streaming", "pieces"),
    [
        ("/v1/chat/completions", True, []),
        ("/v1/chat/completions", True, stream("One two three.").pieces[:3]),
        ("/v1/chat/completions", False, []),
        ("/v1/chat/completions", False, [b'{"id":']),
        ("/v1/embeddings", False, []),
        ("/v1/embeddings", False, [b'{"id":']),
    ],
)
def test_client_disconnects(run: Run, path: str, streaming: bool, pieces: Sequence[bytes]) -> None:
    """15: client disconnect before/after first token, non-stream: upstream cancelled."""
    headers = EVENTS if streaming else {"content-type": "application/json"}
    running = run(script=lambda _: Answer(headers=headers, pieces=pieces, ending="hang"))
    body = json.dumps({**HELLO, "stream": streaming}).encode()
    with connected(running) as client:
        client.sendall(post(body, path=path))
        eventually(lambda: running.model.asked)
    eventually(lambda: running.model.dropped)
    eventually(lambda: b"\nadjourn_requests_open 0.0" in running.front._metrics.text())
    assert not running.store_nodes()


def test_retries_of_the_same_request(run: Run) -> None:
    """17: SDK retry of the same request, sequential and parallel: one node, one strike, one end."""
    running = run()
    chat = Conversation(running.sdk())
    told = []
    while chat.decision != "end":
        chat.messages.append({"role": "user", "content": "you idiot"})
        body = {"model": "model-1", "messages": chat.messages}
        answers: list[Any] = []

        def send(body: Any = body, answers: list[Any] = answers) -> None:
            answers.append(running.http().post("/v1/chat/completions", json=body).json())

        threads = [threading.Thread(target=send) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        text = chat.again()
        chat.messages.append({"role": "assistant", "content": text})
        told.append(chat.decision)
        texts = {answer["choices"][0]["message"]["content"] for answer in answers}
        assert texts == {text}
    assert len([e for e in entries(running) if e.kind == "end"]) == 1
    assert told == alone(running)


def alone(running: Running) -> list[str]:
    """Return the decisions of the same conversation without any retries."""
    chat = Conversation(running.sdk(), options={"user": "somebody else"})
    told = []
    while chat.decision != "end":
        chat.say("you idiot")
        told.append(chat.decision)
    return told


class _Broken:
    """A detector that fails in one way."""

    def __init__(self, fail: Callable[[int], Any]) -> None:
        self.name = "broken"
        self._fail = fail

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        answer = self._fail(len(conversations))
        return await answer if asyncio.iscoroutine(answer) else answer  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """Nothing is held."""


def _raise(_: int) -> Any:
    raise RuntimeError("down")


FAILURES: dict[str, Callable[[int], Any]] = {
    "down": _raise,
    "slow": lambda _: asyncio.sleep(60),
    "garbage": lambda _: None,
    "too few": lambda _: [],
    "too many": lambda n: [Assessment("broken")] * (n + 1),
    "unknown": lambda n: [Unknown("broken", "cannot say")] * n,
}


@pytest.mark.parametrize("failure", FAILURES)
def test_detector_fails(run: Run, failure: str) -> None:
    """20: detector down, slow, garbage, wrong number: no end; degraded; metric."""
    broken = _Broken(FAILURES[failure])
    running = run(more_detectors=(broken,), config={"detection": {"deadline_s": 0.02}})
    chat = Conversation(running.sdk())
    for _ in range(8):
        chat.say("you idiot")
        assert chat.decision not in {"warn", "end"}
    assert not [e for e in entries(running) if e.kind == "end"]
    if failure not in {"garbage", "too few", "too many"}:
        assert "detector:broken" in running.http().get("/readyz").json()["degraded"]


async def test_clock_jumps() -> None:
    """31: clock jumps back/forward: order by sequence, not by time."""
    clock = FakeClock()
    gateway = front(clock=clock)
    messages: list[dict[str, Any]] = []
    told = []
    for jump_ms in (0, -(10**12), 10**12, -1, 86_400_000, 0):
        clock.wall_ms = 1_800_000_000_000 + jump_ms
        messages.append({"role": "user", "content": "you idiot"})
        reply = await ask(gateway, messages)
        told.append(reply.decision)
        messages.append({"role": "assistant", "content": reply.text})
        if told[-1] == "end":
            break
    await gateway.drain()
    steady = front()
    messages, same = [], []
    for _ in told:
        messages.append({"role": "user", "content": "you idiot"})
        reply = await ask(steady, messages)
        same.append(reply.decision)
        messages.append({"role": "assistant", "content": reply.text})
    assert told == same
    assert told[-1] == "end"


def test_policy_reload_mid_conversation(run: Run, tmp_path: Path) -> None:
    """32: policy reload mid-conversation: atomic swap; each record carries the policy's digest."""
    file = tmp_path / "mine.toml"
    text = load_policy("consumer-chat")[1]
    file.write_text(text)
    running = run(policy_file=file)
    chat = Conversation(running.sdk())
    chat.say("hello")
    before = running.front._gateway._driver.in_force.digest
    file.write_text(text.replace('version = "', 'version = "next-', 1))
    reloading = running.front.reload(lambda: Config(policy=str(file)))
    assert asyncio.run_coroutine_threadsafe(reloading, running.loop).result(30)
    after = running.front._gateway._driver.in_force.digest
    chat.say("and now?")
    eventually(lambda: len(entries(running)) == 2)
    assert [e.policy_digest for e in entries(running)] == [before, after]
    assert before != after


def entries(running: Running) -> list[Any]:
    reading = running.store.entries(0, 1000)
    return [e for _, e in asyncio.run_coroutine_threadsafe(reading, running.loop).result(10)]
