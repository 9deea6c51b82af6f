"""Replies of model servers that are not as the book says, and which clients read all the same."""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adjourn.core.policy import Mode
from tests.core.tabletop import POLICY

from .chatting import Conversation
from .conftest import Running
from .model_server import Answer, Asked, completion, says, stream
from .raw import eventually

Run = Callable[..., Running]

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
SSE = {"content-type": "text/event-stream"}
both = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "application/octet-stream"])
def test_a_stream_is_one_whatever_its_type_is_said_to_be(run: Run, kind: str) -> None:
    """The official SDKs read it as a stream because they asked for one."""

    def script(asked: Asked) -> Answer:
        headers = {"content-type": kind} if kind else {}
        return replace(says("I will not.")(asked), headers=headers)

    chat = Conversation(run(script=script).sdk(), stream=True)
    told = []
    for _ in range(5):
        assert chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "redirect", "end"]


def test_so_is_one_that_comes_byte_by_byte(run: Run) -> None:
    data = b"".join(stream("I will not.").pieces)
    answer = Answer(headers={}, pieces=[data[at : at + 1] for at in range(len(data))])
    reply = (
        run(script=lambda _: answer)
        .http()
        .post("/v1/chat/completions", json={**BODY, "stream": True})
    )
    assert reply.content == data


def test_a_whole_reply_to_who_asked_for_a_stream_stays_one(run: Run) -> None:
    answer = completion("Fine.")
    reply = (
        run(script=lambda _: answer)
        .http()
        .post("/v1/chat/completions", json={**BODY, "stream": True})
    )
    assert reply.content == answer.pieces[0]


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


def packed(answer: Answer, encoding: str) -> Answer:
    data = PACKED[encoding](b"".join(answer.pieces))
    pieces = [data[at : at + 50] for at in range(0, len(data), 50)]
    return replace(answer, headers={**answer.headers, "content-encoding": encoding}, pieces=pieces)


@both
@pytest.mark.parametrize("encoding", PACKED)
def test_a_reply_that_comes_compressed_is_read(run: Run, streaming: bool, encoding: str) -> None:
    """Asked for an unencoded one, some proxies encode it: it must not slip through unread."""
    running = run(script=lambda asked: packed(says("I will not.")(asked), encoding))
    chat = Conversation(running.sdk(), streaming)
    told = []
    for _ in range(5):
        assert chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "redirect", "end"]
    assert running.model.asked[-1].headers["accept-encoding"] == "identity"


@both
@pytest.mark.parametrize("fault", ["cut", "not compressed", "unknown"])
def test_a_compressed_reply_that_cannot_be_read_is_an_error(
    run: Run, streaming: bool, fault: str
) -> None:
    def script(asked: Asked) -> Answer:
        answer = packed(says("Fine.")(asked), "gzip")
        if fault == "cut":
            return replace(answer, pieces=answer.pieces[:1])
        encoding = "br" if fault == "unknown" else "gzip"
        headers = {**answer.headers, "content-encoding": encoding}
        return replace(answer, headers=headers, pieces=[b"\x0b\x02\x80x\x03"])

    running = run(script=script)
    reply = running.http().post("/v1/chat/completions", json={**BODY, "stream": streaming})
    assert (reply.status_code, reply.json()["error"]["code"]) == (502, "upstream_unavailable")
    assert "content-encoding" not in reply.headers


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.SHADOW])
def test_headers_cross_as_the_bytes_they_are(run: Run, path: str, mode: Mode) -> None:
    name = "Zoë 日本"
    answer = replace(completion("Fine."), headers={"x-name": name})
    running = run(script=lambda _: answer, policy=replace(POLICY, mode=mode))
    sent = {b"x-name": name.encode()}
    reply = running.http().post(path, content=json.dumps(BODY).encode(), headers=sent)
    assert reply.status_code == 200
    assert (b"x-name", name.encode()) in [(key.lower(), value) for key, value in reply.headers.raw]
    assert running.model.asked[-1].headers["x-name"].encode("latin-1") == name.encode()


def test_only_this_gateway_says_what_it_decided(run: Run) -> None:
    """The model's server may be a gateway like this one."""
    answer = replace(completion("Fine."), headers={"X-Adjourn-Decision": "end", "x-mine": "1"})
    reply = run(script=lambda _: answer).http().post("/v1/chat/completions", json=BODY)
    assert reply.headers.get_list("x-adjourn-decision") == ["continue"]
    assert reply.headers["x-mine"] == "1"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models"])
@pytest.mark.parametrize("status", [101, 600, 999])
def test_statuses_that_mean_nothing_are_an_error(run: Run, path: str, status: int) -> None:
    running = run(script=lambda _: Answer(status, length=0))
    assert running.http().post(path, json=BODY).status_code == 502


def test_the_length_of_what_passes_is_told(run: Run) -> None:
    running = run(script=lambda _: Answer(headers={}, pieces=[b"\0\1\2"], length=3))
    reply = running.http().get("/v1/files/f/content")
    assert (reply.content, reply.headers["content-length"]) == (b"\0\1\2", "3")


@pytest.mark.parametrize("status", [204, 304])
def test_replies_without_a_body_pass(run: Run, status: int) -> None:
    """Of a 304 the length is what the body would have."""
    running = run(script=lambda _: Answer(status, {}, length=7 if status == 304 else 0))
    assert running.http().get("/v1/models").status_code == status


@pytest.mark.parametrize("bad", [b"data: {nope\n\n", b'data: {"error": {"message": "no"}}\n\n'])
def test_a_stream_that_cannot_be_read_is_left_at_once(run: Run, bad: bytes) -> None:
    """The model may go on for minutes, and nobody would be told, nor get what it says."""
    begun = stream("One two.").pieces[:2]
    running = run(script=lambda _: Answer(headers=SSE, pieces=[*begun, bad], ending="hang"))
    reply = running.http().post("/v1/chat/completions", json={**BODY, "stream": True})
    assert b'"error"' in reply.content
    assert b"[DONE]" not in reply.content
    eventually(lambda: running.model.dropped)
