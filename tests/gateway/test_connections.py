"""Limits of connections, over real sockets: heads too long, clients too slow, too many of them."""

import json
from collections.abc import Callable

import pytest

from .conftest import Running
from .model_server import Answer, chunk, completion, stream
from .raw import (
    connected,
    eventually,
    exchange,
    look,
    look_until_closed,
    one_reply,
    post,
    read_until,
    status,
)

Run = Callable[..., Running]

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]}).encode()
SLOW = {"server": {"head_timeout_s": 0.05, "body_timeout_s": 0.05, "write_timeout_s": 0.05}}


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000,
        b"GET /" + b"a" * 70_000,
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 15_000,
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
    ids=["header without an end", "line without an end", "many headers", "complete"],
)
def test_a_head_too_long_is_refused(run: Run, head: bytes) -> None:
    running = run()
    reply = exchange(running, head)
    assert status(reply) == 431
    assert b'"request_head_too_large"' in reply
    assert not running.model.asked


def test_a_second_request_on_a_connection_has_its_own_head(run: Run) -> None:
    running = run(config={"server": {"max_head_bytes": 500}})
    request = post(BODY, "x: " + "a" * 300)
    last = post(BODY, "x: " + "a" * 300, "connection: close")
    with connected(running) as client:
        for _ in range(4):
            client.sendall(request)
            assert status(one_reply(client)) == 200
        client.sendall(last)
        assert status(one_reply(client)) == 200


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n", b"request_head_too_slow"),
        (post(BODY)[:-5], b"request_body_too_slow"),
        (post(BODY) + b"GET /healthz HT", b"request_head_too_slow"),
    ],
    ids=["head", "body", "second head"],
)
def test_a_client_that_dawdles_is_told_and_closed(run: Run, sent: bytes, code: bytes) -> None:
    running = run(config=SLOW)
    with connected(running) as client:
        client.sendall(sent)
        if b"second" in code or sent.endswith(b"HT"):
            assert status(one_reply(client)) == 200
        got = look_until_closed(running, client)
    assert status(got) == 408
    assert code in got
    assert len(running.model.asked) == (1 if sent.endswith(b"HT") else 0)


def test_a_client_that_sends_nothing_is_closed_without_a_word(run: Run) -> None:
    running = run(config=SLOW)
    with connected(running) as client:
        assert look_until_closed(running, client) == b""


def test_a_reply_that_takes_long_is_not_a_slow_client(run: Run) -> None:
    head = {"content-type": "text/event-stream"}
    answer = Answer(headers=head, pieces=[chunk({"content": "He"})], ending="hang")
    running = run(config=SLOW, script=lambda _: answer)
    with connected(running) as client:
        body = BODY.replace(b"{", b'{"stream":true,', 1)
        client.sendall(post(body))
        read_until(client, b'"He"')
        for _ in range(20):
            look(running)
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_connections_too_many_are_closed_at_once(run: Run) -> None:
    running = run(config={"server": {"max_connections": 2}})
    with connected(running) as one, connected(running) as two:
        for client in (one, two):
            client.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert status(one_reply(client)) == 200
        with connected(running) as three:
            assert look_until_closed(running, three) == b""
        two.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert status(one_reply(two)) == 200
    with connected(running) as four:
        four.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert status(one_reply(four)) == 200


def test_a_slow_reader_holds_up_the_model_and_not_our_memory(run: Run) -> None:
    """Fault 16: what the client does not take is not fetched; in the end it is cut off."""
    piece = chunk({"content": "x" * 50_000})
    head = {"content-type": "text/event-stream"}
    running = run(script=lambda _: Answer(headers=head, pieces=[piece] * 2000), config=SLOW)
    body = BODY.replace(b"{", b'{"stream":true,', 1)
    with connected(running) as client:
        client.setsockopt(6, 10, 1)  # TCP_WINDOW_CLAMP: the smallest window there is
        client.sendall(post(body))
        eventually(lambda: running.model.asked)
        eventually(lambda: _stuck(running))
        waiting = max(one.transport.get_write_buffer_size() for one in running.settings.live)
        assert waiting < 1_000_000
        for _ in range(300):
            look(running)
            if not running.settings.live:
                break
    eventually(lambda: running.model.dropped)
    assert not running.store_nodes()


def _stuck(running: Running) -> bool:
    return any(
        one.transport.get_write_buffer_size() > 65_536 for one in tuple(running.settings.live)
    )


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_client_of_http_1_0_gets_no_chunks(run: Run, streaming: bool) -> None:
    """Some proxies speak HTTP/1.0 to what is behind them, and take sizes of chunks for the text."""
    running = run()
    said = [{"role": "user", "content": "hello"}]
    body = json.dumps({"model": "m", "messages": said, "stream": streaming}).encode()
    request = post(body).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    head, _, reply = exchange(running, request).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    if streaming:
        assert reply == b"".join(stream("Fine.").pieces)
    else:
        assert reply == completion("Fine.").pieces[0]
        assert f"content-length: {len(reply)}".encode() in head
