"""The law of shadow mode, over real sockets: every byte, in order, in the pieces it comes in."""

import json
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from adjourn.core.policy import Mode
from tests.core.tabletop import POLICY

from . import anthropic_server, responses_server
from .conftest import Running
from .model_server import Answer, Asked, chunk, completion, stream
from .raw import connected, post, read_to_the_end, read_until

SHADOW = replace(POLICY, mode=Mode.SHADOW)
SSE = {"content-type": "text/event-stream"}
PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/messages"]
FINE = stream("Fine.").pieces
TWO = [chunk({"content": "a"}).replace(b'"index": 0', b'"index": %d' % at) for at in (0, 1)]
ENDS = [chunk({}, "stop").replace(b'"index": 0', b'"index": %d' % at) for at in (0, 1)]
MESSAGE = anthropic_server.message_stream("Fine.")
PING = anthropic_server.event({"type": "ping"})

ANSWERS = {
    "whole": completion("Fine."),
    "several choices": completion("Fine.", n=2),
    "whole with the end tool": completion(None, calls=[("end_conversation", "{}")]),
    "with a length": replace(completion("Fine."), length=len(completion("Fine.").pieces[0])),
    "with a length that is wrong": replace(completion("Fine."), length=9_999, ending="eof"),
    "stream": stream("I will not."),
    "stream with the end tool": stream("", calls=[("end_conversation", "{}")]),
    "stream with CRLF": Answer(headers=SSE, pieces=[p.replace(b"\n", b"\r\n") for p in FINE]),
    "stream without a last line end": Answer(headers=SSE, pieces=[*FINE[:-1], b"data: [DONE]"]),
    "stream with comments": Answer(headers=SSE, pieces=[p + b": hm\n\n" for p in FINE]),
    "stream of two choices": Answer(
        headers=SSE, pieces=[TWO[0], ENDS[0], TWO[1], ENDS[1], FINE[-1]]
    ),
    "stream of no type": Answer(headers={}, pieces=FINE),
    "stream that simply ends": Answer(headers=SSE, pieces=[chunk({"content": "He"})]),
    "stream with rubbish": Answer(headers=SSE, pieces=[chunk({"content": "H"}), b"data: {\n\nx"]),
    "stream with an error": Answer(headers=SSE, pieces=[b'data: {"error":{"message":"no"}}\n\n']),
    "stream with an event of 9 MB": Answer(headers=SSE, pieces=[b"data: " + b"x" * 9_000_000]),
    "stream that is cut": replace(stream("Fine."), pieces=FINE[:2], ending="eof"),
    "message": anthropic_server.message("Fine."),
    "message stream": MESSAGE,
    "message stream with a late ping": replace(
        MESSAGE, pieces=[*MESSAGE.pieces[:-1], PING, MESSAGE.pieces[-1]]
    ),
    "response": responses_server.whole(responses_server.items_of("Fine.")),
    "response stream": responses_server.streamed(responses_server.items_of("Fine.")),
    "response with a tool": responses_server.whole(
        responses_server.items_of("", [("end_conversation", "{}")])
    ),
    "rubbish": Answer(pieces=[b"<html>"]),
    "rubbish that is cut": Answer(pieces=[b"<ht"], ending="eof"),
    "compressed": Answer(headers={**SSE, "content-encoding": "gzip"}, pieces=[b"\x1f\x8b\x08"]),
    "nothing": Answer(pieces=[]),
    "an error": Answer(429, {"content-type": "text/plain", "retry-after": "3"}, [b"slow down"]),
    "an error that is cut": Answer(500, {"content-type": "text/plain"}, [b"slo"], ending="eof"),
}  # fmt: skip


def written(path: str, *, streaming: bool) -> bytes:
    """A request of somebody whom the policy would not let write on."""
    said = [{"role": "user", "content": "you idiot, crisis"}]
    field = "input" if path.endswith("responses") else "messages"
    return json.dumps({"model": "m", "stream": streaming, field: said}).encode()


def got(port: int, request: bytes) -> tuple[bytes, dict[bytes, bytes], bytes, bool]:
    """Return status, headers and body, and whether the body came to a regular end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(request)
        head, _, body = read_to_the_end(client).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (x.partition(b": ") for x in lines)}
    for name in (b"date", b"connection"):
        headers.pop(name, None)
    whole = len(body) == int(headers.get(b"content-length", b"-1"))
    if b"transfer-encoding" in headers:
        body, whole = unchunked(body)
    return first.split(b" ")[1], headers, body, whole


def unchunked(body: bytes) -> tuple[bytes, bool]:
    """Return what is in the chunks (their sizes are the network's), and whether the last came."""
    plain = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        if size == b"0":
            return plain, True
        plain, body = plain + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return plain, False


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("path", PATHS)
def test_shadow_changes_nothing(run: Callable[..., Running], path: str, answer: Answer) -> None:
    """Every byte to and from the model is what it would be without adjourn."""
    running = run(policy=SHADOW, script=lambda _: answer)
    body = written(path, streaming=answer.headers.get("content-type") != "application/json")
    for _ in range(2):
        request = post(body, "x-mine: 1", "connection: close", path=path)
        direct, through = (got(port, request) for port in (running.model.port, running.port))
        asked_directly, asked = running.model.asked[-2:]
        assert (asked.path, asked.body) == (asked_directly.path, asked_directly.body)
        assert through == direct


@pytest.mark.parametrize("path", PATHS)
def test_every_piece_passes_at_once(run: Callable[..., Running], path: str) -> None:
    """Half an event is not kept back until the rest of it comes."""
    answer = Answer(headers=SSE, pieces=[b"data: {", b'"half'], ending="hang")
    running = run(policy=SHADOW, script=lambda _: answer)
    with connected(running) as client:
        client.sendall(post(written(path, streaming=True), path=path))
        read_until(client, b'"half')


@pytest.mark.parametrize("streaming", [False, True])
def test_a_broken_reply_stays_broken(run: Callable[..., Running], streaming: bool) -> None:
    def script(_: Asked) -> Answer:
        made = stream("Fine.") if streaming else completion("Fine.")
        return replace(made, pieces=[made.pieces[0][:40]], ending="reset")

    running = run(policy=SHADOW, script=script)
    body = written("/v1/chat/completions", streaming=streaming)
    with connected(running) as client:
        client.sendall(post(body))
        reply = read_to_the_end(client)
    assert b"Fine" not in reply
    assert not reply.endswith(b"0\r\n\r\n")


def test_a_model_that_is_not_there_is_told(run: Callable[..., Running]) -> None:
    """There are no bytes of its to pass."""
    running = run(
        policy=SHADOW, script=lambda _: Answer(ending="hang"), upstream={"head_timeout_s": 0.05}
    )
    body = written("/v1/chat/completions", streaming=False)
    assert running.http().post("/v1/chat/completions", content=body).status_code == 502
