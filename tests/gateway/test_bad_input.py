"""Bad input from either side: one clear error or a clean pass-through, and nothing ended by it."""

import gzip
import json
import socket
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

from . import responses_server
from .chatting import Conversation
from .conftest import Running
from .model_server import Answer, Asked, chunk, completion, says, stream

Run = Callable[..., Running]

HELLO = {"model": "model-1", "messages": [{"role": "user", "content": "you idiot"}]}


def post(running: Running, body: bytes | dict[str, Any]) -> httpx2.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    http = running.http()
    return http.post(
        "/v1/chat/completions", content=data, headers={"content-type": "application/json"}
    )


BAD_BODIES = {
    "not json": b"{nope",
    "empty": b"",
    "not utf-8": b'{"model":"m","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "not an object": b"[1]",
    "no messages": b'{"model":"m"}',
    "messages empty": b'{"model":"m","messages":[]}',
    "messages not a list": b'{"model":"m","messages":{}}',
    "message not an object": b'{"model":"m","messages":["hi"]}',
    "unknown role": b'{"model":"m","messages":[{"role":"wizard","content":"hi"}]}',
    "role in other letters": '{"model":"m","messages":[{"role":"u\u0455er"}]}'.encode(),
    "content a number": b'{"model":"m","messages":[{"role":"user","content":7}]}',
    "no model": b'{"messages":[{"role":"user","content":"hi"}]}',
    "too deep": b'{"model":"m","messages":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "half a surrogate pair": b'{"model":"m","messages":[{"role":"user","content":"\\ud800 a"}]}',
    "not a number": b'{"model":"m","temperature":NaN,"messages":[{"role":"user","content":"x"}]}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_bad_body_gets_one_clear_error(run: Run, body: bytes) -> None:
    running = run()
    reply = post(running, body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"].endswith((".", ")"))
    assert not running.model.asked


def test_a_bad_audience_is_told(run: Run) -> None:
    running = run()
    with running.http() as http:
        reply = http.post("/v1/chat/completions", json=HELLO, headers={"x-adjourn-audience": "cat"})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "X-Adjourn-Audience"


def test_a_thousand_turns_pass(run: Run) -> None:
    running = run()
    turns = [{"role": "user", "content": f"question {i}"} for i in range(1000)]
    history = [m for turn in turns for m in (turn, {"role": "assistant", "content": "Fine."})]
    assert post(running, {"model": "m", "messages": history[:-1]}).status_code == 200


def test_ten_megabytes_pass_and_more_than_the_limit_is_refused(run: Run) -> None:
    running = run()
    message = {"role": "user", "content": "word " * 2_000_000}
    assert post(running, {**HELLO, "messages": [message]}).status_code == 200
    small = run(config={"server": {"max_body_bytes": 1000}})
    reply = post(small, {**HELLO, "messages": [message]})
    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "request_too_large"


def test_unknown_models_and_errors_of_the_model_server_pass_as_they_are(run: Run) -> None:
    for status in (400, 401, 404, 429, 500, 503):
        body = json.dumps({"error": {"message": "no", "code": "x"}}).encode()
        headers = {"content-type": "application/json", "retry-after": "7"}
        script = lambda _, s=status, b=body, h=headers: Answer(s, h, [b])  # noqa: E731
        running = run(script=script)
        reply = post(running, HELLO)
        assert reply.status_code == status
        assert reply.content == body
        assert reply.headers["retry-after"] == "7"
        assert not running.store_nodes()


def test_a_model_server_that_is_not_there(run: Run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = run(upstream={"base_url": f"http://127.0.0.1:{port}/v1"})
    reply = post(running, HELLO)
    assert reply.status_code == 502
    assert reply.json()["error"]["code"] == "upstream_unavailable"
    assert not running.store_nodes()


@pytest.mark.parametrize("streaming", [False, True])
def test_a_model_server_that_hangs(run: Run, streaming: bool) -> None:
    running = run(
        script=lambda _: Answer(ending="hang"),
        upstream={"head_timeout_s": 0.2, "idle_timeout_s": 0.2},
    )
    reply = post(running, {**HELLO, "stream": streaming})
    assert reply.status_code == 502
    assert "did not answer within 0.2 seconds" in reply.json()["error"]["message"]


def test_a_stream_that_hangs_in_the_middle(run: Run) -> None:
    answer = Answer(
        headers={"content-type": "text/event-stream"}, pieces=[chunk({"content": "He"})],
        ending="hang",
    )  # fmt: skip
    running = run(script=lambda _: answer, upstream={"idle_timeout_s": 0.2})
    with pytest.raises(openai.APIError, match="sent nothing for"):
        Conversation(running.sdk(max_retries=0), stream=True).say("hi")


RESET = pytest.param("reset", marks=pytest.mark.slow)
EOF = pytest.param("eof", marks=pytest.mark.slow)


@pytest.mark.parametrize("ending", [EOF, RESET, "regular"])
def test_a_stream_cut_after_any_byte_is_an_error(run: Run, ending: str) -> None:
    whole = b"".join(stream("I refuse. Something else instead").pieces)
    finished = whole.index(b'"finish_reason": "stop"') + len(b'"finish_reason": "stop"}]}\n\n')
    cut_at = 0

    def script(_: Asked) -> Answer:
        headers = {"content-type": "text/event-stream"}
        return Answer(headers=headers, pieces=[whole[:cut_at]], ending=ending)

    running = run(script=script)
    client = running.sdk(max_retries=0)
    for cut_at in range(0, finished, 7):  # noqa: B007 - read by the script
        chat = Conversation(client, stream=True)
        with pytest.raises(openai.APIError):
            chat.say("you idiot")
        assert not running.store_nodes()
    cut_at = len(whole)
    assert Conversation(client, stream=True).say("you idiot").startswith("I refuse.")


@pytest.mark.parametrize("ending", ["eof", RESET])
def test_a_whole_reply_cut_after_any_byte_is_an_error(run: Run, ending: str) -> None:
    (whole,) = completion("I refuse. Something else instead").pieces
    cut_at = 0
    running = run(script=lambda _: Answer(pieces=[whole[:cut_at]], ending=ending))
    for cut_at in range(0, len(whole), 11):  # noqa: B007 - read by the script
        reply = post(running, HELLO)
        assert reply.status_code == 502
        assert reply.json()["error"]["code"] == "upstream_unavailable"
    assert not running.store_nodes()


MALFORMED = {
    "not json": b"data: {nope\n\n",
    "an html page": b"<html>busy</html>\n\n",
    "an error event": b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n',
    "a list": b"data: [1,2]\n\n",
    "only a comment": b": ping\n\n",
}


@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED)
def test_malformed_events_end_in_an_error(run: Run, bad: bytes) -> None:
    headers = {"content-type": "text/event-stream"}
    answer = Answer(headers=headers, pieces=[chunk({"content": "He"}), bad])
    running = run(script=lambda _: answer)
    with pytest.raises(openai.APIError):
        Conversation(running.sdk(max_retries=0), stream=True).say("you idiot")
    assert not running.store_nodes()


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"{}", b'{"choices":7}'])
def test_malformed_whole_replies_are_errors(run: Run, body: bytes) -> None:
    running = run(script=lambda _: Answer(pieces=[body]))
    reply = post(running, HELLO)
    assert reply.status_code == 502
    assert not running.store_nodes()


def test_everything_else_passes_through(run: Run) -> None:
    pieces = [bytes([i]) * 100 for i in range(5)]
    headers = {"content-type": "application/x-thing", "x-odd": "1", "content-encoding": "gzip"}
    running = run(script=lambda _: Answer(201, headers, pieces))
    with (
        running.http() as http,
        http.stream(
            "PATCH", "/v1/files/a%2Fb?x=1&y=%20", content=b"\x00raw", headers={"x-mine": "2"}
        ) as reply,
    ):
        assert reply.status_code == 201
        assert b"".join(reply.iter_raw()) == b"".join(pieces)
        assert reply.headers["x-odd"] == "1"
    (asked,) = running.model.asked
    assert (asked.method, asked.path) == ("PATCH", "/v1/files/a%2Fb?x=1&y=%20")
    assert asked.body == b"\x00raw"
    assert asked.headers["x-mine"] == "2"


def test_untouched_requests_and_replies_are_the_same_bytes(run: Run) -> None:
    running = run(policy=quiet(), script=says("Fine."))
    body = b'{ "model":"m" ,"x_new":{"a":1.0,"b":1e5},"messages":[{"role":"user","content":"hi"}]}'
    reply = post(running, body)
    assert running.model.asked[0].body == body
    assert reply.content == b"".join(completion("Fine.").pieces)
    streamed = body.replace(b'"m"', b'"m","stream":true')
    assert post(running, streamed).content == b"".join(stream("Fine.").pieces)


def quiet() -> Any:
    """A policy that offers no tool, so that nothing need be added."""
    from dataclasses import replace

    from adjourn.core.policy import Offer
    from tests.core.tabletop import POLICY

    return replace(POLICY, tool=replace(POLICY.tool, offer=Offer.NEVER))


def test_keys(run: Run) -> None:
    import hashlib

    key = {"id": "app", "sha256": hashlib.sha256(b"sesame").hexdigest()}
    running = run(config={"keys": (key,)}, upstream={"api_key": "upstream-secret"})
    assert post(running, HELLO).status_code == 401
    assert Conversation(running.sdk(api_key="sesame")).say("hi") == "Fine."
    (asked,) = running.model.asked
    assert asked.headers["authorization"] == "Bearer upstream-secret"
    with pytest.raises(openai.AuthenticationError):
        Conversation(running.sdk(api_key="sesam")).say("hi")


def test_without_gateway_keys_the_client_s_own_key_passes(run: Run) -> None:
    running = run()
    Conversation(running.sdk(api_key="mine")).say("hi")
    assert running.model.asked[0].headers["authorization"] == "Bearer mine"


def test_a_client_that_leaves_cancels_the_model(run: Run) -> None:
    import time

    answer = Answer(
        headers={"content-type": "text/event-stream"}, pieces=[chunk({"content": "He"})],
        ending="hang",
    )  # fmt: skip
    running = run(script=lambda _: answer)
    with (
        running.http() as http,
        http.stream("POST", "/v1/chat/completions", json={**HELLO, "stream": True}) as reply,
    ):
        next(reply.iter_raw())
    for _ in range(200):
        if running.model.dropped:
            break
        time.sleep(0.01)
    assert running.model.dropped == 1
    assert not running.store_nodes()


def test_a_compressed_request_is_refused_with_what_to_do(run: Run) -> None:
    """Unread, it would reach the model without the ladder; unpacked, it may be of any size."""
    running = run()
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'
    for encoding, sent in (("gzip", gzip.compress(body)), ("deflate", body)):
        reply = running.http().post(
            "/v1/chat/completions", content=sent, headers={"content-encoding": encoding}
        )
        assert reply.status_code == 400
        assert "without Content-Encoding" in reply.json()["error"]["message"]
    assert not running.model.asked
    plain = {"content-encoding": "identity"}
    assert running.http().post("/v1/chat/completions", content=body, headers=plain).is_success


def test_a_stored_prompt_without_input_passes(run: Run) -> None:
    running = run(script=responses_server.speaks("Fine."))
    body = {"model": "m", "prompt": {"id": "pmpt_1"}}
    reply = running.http().post("/v1/responses", json=body)
    assert reply.status_code == 200
    assert running.model.asked[-1].json == body


def test_choices_without_number_take_no_memory(run: Run) -> None:
    body = {"model": "m", "n": 10**9, "messages": [{"role": "user", "content": "you idiot"}]}
    for streaming in (False, True):
        reply = run().http().post("/v1/chat/completions", json={**body, "stream": streaming})
        assert reply.headers["x-adjourn-decision"] == "redirect"
        assert len(reply.content) < 10_000
