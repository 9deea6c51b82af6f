"""Requests made to mean one thing here and another at the model's server, or to lead elsewhere."""

import json
from collections.abc import Callable

import pytest

from tests.gateway.conftest import Running
from tests.gateway.model_server import Answer
from tests.gateway.raw import exchange, post, status

from .conftest import Canary

Run = Callable[..., Running]

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
BODY = json.dumps(HELLO).encode()


def get(target: str, host: str = "x") -> bytes:
    head = f"GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    return head.encode("latin-1")


CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"transfer-encoding: xchunked\r\n",
        b"transfer-encoding : chunked\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: +5\r\n",
        b"content-length: 5 5\r\n",
        b"content-length: -1\r\n",
        b"content-length: 0x5\r\n",
    ],
)
def test_a_body_of_doubtful_length_is_refused(running: Running, framing: bytes) -> None:
    smuggled = b"0\r\n\r\nGET /v1/secret HTTP/1.1\r\nhost: x\r\n\r\n"
    reply = exchange(running, CHAT + framing + b"\r\n" + smuggled)
    assert status(reply) == 400
    assert reply.count(b"HTTP/1.1 4") == 1
    assert not running.model.asked


@pytest.mark.parametrize(
    "line",
    [
        b"x: a\rb: c\r\n",
        b"x: a\x00b\r\n",
        b"x y: a\r\n",
        b"x : a\r\n",
        b" folded: a\r\n",
        b"\x00: a\r\n",
        b": a\r\n",
    ],
)
def test_control_characters_in_headers_are_refused(running: Running, line: bytes) -> None:
    reply = exchange(running, CHAT + line + b"content-length: %d\r\n\r\n" % len(BODY) + BODY)
    assert status(reply) == 400
    assert not running.model.asked


def test_line_breaks_that_are_encoded_stay_in_their_header(running: Running) -> None:
    odd = "a%0d%0aset-cookie: x\\r\\nx-evil: 1"
    reply = exchange(
        running, post(BODY, f"x-request-id: {odd}", f"x-mine: {odd}", "connection: close")
    )
    assert status(reply) == 200
    head = reply.split(b"\r\n\r\n")[0].lower()
    assert b"set-cookie" not in head
    assert b"x-evil" not in head
    (asked,) = running.model.asked
    assert asked.headers["x-mine"] == odd
    assert "x-evil" not in asked.headers


def test_headers_of_the_connection_stay_here(running: Running) -> None:
    reply = running.http().post(
        "/v1/chat/completions",
        json=HELLO,
        headers={
            "host": "evil.test",
            "connection": "keep-alive, x-named",
            "x-named": "1",
            "te": "trailers",
            "trailer": "x",
            "upgrade": "h2c",
            "proxy-authorization": "Basic x",
            "proxy-connection": "keep-alive",
            "cookie": "adjourn-console=stolen",
            "forwarded": "for=1",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-host": "evil.test",
            "x-real-ip": "127.0.0.1",
            "x-adjourn-audience": "adult",
            "authorization": "Bearer client",
            "x-api-key": "client",
            "api-key": "client",
        },
    )
    assert reply.status_code == 200
    (asked,) = running.model.asked
    assert set(asked.headers) <= {
        "host", "accept", "accept-encoding", "user-agent", "content-type", "content-length",
        "authorization",
    }  # fmt: skip
    assert asked.headers["host"] == f"127.0.0.1:{running.model.port}"
    assert asked.headers["authorization"] == "Bearer operator-key"


def test_no_request_leads_to_another_server(running: Running, canary: Canary) -> None:
    """SSRF: neither target, nor headers, nor body name the server that is asked."""
    place = f"127.0.0.1:{canary.port}"
    for target in (
        f"http://{place}/v1/models",
        f"//{place}/v1/models",
        f"/v1/@{place}/x",
        f"/v1/..//{place}/",
        f"/v1/%2f%2f{place}/",
        f"/v1/\\{place}/",
    ):
        exchange(
            running, f"GET {target} HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\n\r\n".encode()
        )
    exchange(running, f"CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n\r\n".encode())
    names = ("base_url", "api_base", "api_host", "endpoint", "proxy", "callback_url")
    asked = {**HELLO, **dict.fromkeys(names, f"http://{place}/")}
    headers = {"host": place, "x-forwarded-host": place, "x-original-url": f"http://{place}/"}
    assert running.http().post("/v1/chat/completions", json=asked, headers=headers).is_success
    assert not canary.visitors
    assert all(
        one.headers["host"] == f"127.0.0.1:{running.model.port}" for one in running.model.asked
    )


def test_redirects_of_the_model_s_server_are_not_followed(run: Run, canary: Canary) -> None:
    to = {"location": f"http://127.0.0.1:{canary.port}/", "content-type": "text/plain"}
    running = run(script=lambda _: Answer(307, to), upstream={"api_key": "operator-key"})
    for path in ("/v1/chat/completions", "/v1/embeddings"):
        reply = running.http().post(path, json=HELLO)
        assert reply.status_code == 307
    assert not canary.visitors


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../admin", "/v1/..", "/v1/./x", "/v1//x", "/v1/%2e%2e/admin", "/v1/%2E./admin",
        "/v1/%252e%252e/admin", "/v1/..%2fadmin", "/v1/x%2f..%2f..%2fadmin", "/v1/\\..\\admin",
        "/v1/%5c..%5cadmin", "/v1/x;/../admin", "/v1/x%00", "/v1/x%0d%0ay",
        "/v1/%25252525252e%25252525252e/admin",
    ],
)  # fmt: skip
def test_paths_out_of_v1_are_refused(running: Running, path: str) -> None:
    reply = exchange(
        running, f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    )
    assert status(reply) == 400
    assert not running.model.asked


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions/", "/v1/chat/completions?x=1", "/v1/Chat/Completions",
        "/v1/chat%2Fcompletions", "/v1/%63hat/completions", "/%76%31/chat/completions",
        "/v1//chat/completions", "/v1/chat//completions", "/v1/./chat/completions",
        "/v1/x/../chat/completions", "/v1/chat/completions;x", "/v1/chat/completions%00",
        "/v1/chat/completions%2e%2e", "/v1/chat%252fcompletions", "//v1/chat/completions",
        "/V1/chat/completions", "/v1\\chat\\completions", "/v1/chat/completions/.",
        "http://x/v1/chat/completions", "/v1/chat/completions%3fx", "/v1/chat/completions%23x",
        "/v1/%2563hat/completions", "/v1/chat/completions%252f", "/v1/respon%C5%BFes",
        "/v1/respon%25C5%25BFes",
    ],
)  # fmt: skip
def test_no_spelling_of_the_path_gets_past_the_ladder(running: Running, path: str) -> None:
    """Either it is adjudicated, or it never reaches the model, or it is another endpoint there."""
    reply = exchange(running, post(BODY, "connection: close", path=path))
    if running.model.asked and b"x-adjourn-decision: " not in reply:
        (asked,) = running.model.asked
        assert asked.path == "/v1/chat/completions%2e%2e"


def test_a_spoofed_host_changes_no_link(running: Running) -> None:
    for _ in range(6):
        reply = running.http().post(
            "/v1/chat/completions",
            json={**HELLO, "messages": _abuse()},
            headers={"host": "evil.test", "x-forwarded-host": "evil.test"},
        )
        assert "evil.test" not in reply.text
    page = running.http().get("/chat", headers={"host": "evil.test"})
    assert "evil.test" not in page.text


def _abuse() -> list[dict[str, str]]:
    return [{"role": "user", "content": "you idiot"}]
