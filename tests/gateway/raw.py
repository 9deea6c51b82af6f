"""A client that writes bytes to a socket, as no library would."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .conftest import Running


@contextmanager
def connected(running: Running) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        yield client


def post(body: bytes, *headers: str, path: str = "/v1/chat/completions") -> bytes:
    """A whole request."""
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def exchange(running: Running, *pieces: bytes) -> bytes:
    """Send pieces; return all that comes until the server closes."""
    with connected(running) as client:
        for piece in pieces:
            client.sendall(piece)
        return read_to_the_end(client)


def read_to_the_end(client: socket.socket) -> bytes:
    got = b""
    try:
        while data := client.recv(65536):
            got += data
    except ConnectionResetError:
        pass
    return got


def one_reply(client: socket.socket) -> bytes:
    """Read one reply, chunked or with a length."""
    got = b""
    while True:
        head, _, body = got.partition(b"\r\n\r\n")
        lengths = [
            line[16:] for line in head.split(b"\r\n") if line.startswith(b"content-length: ")
        ]
        length = int(lengths[0]) if lengths else None
        if body.endswith(b"0\r\n\r\n") or (length is not None and len(body) >= length):
            return got
        data = client.recv(65536)
        assert data, got
        got += data


def status(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1]) if reply else 0


def look(running: Running) -> None:
    """Let the server look for slow connections, as it does once a second."""
    asyncio.run_coroutine_threadsafe(running.settings._look(), running.loop).result(10)


def look_until_closed(running: Running, client: socket.socket) -> bytes:
    """Look again and again until the server has closed this connection."""
    client.settimeout(0.02)
    got = b""
    for _ in range(500):
        look(running)
        try:
            data = client.recv(65536)
        except TimeoutError:
            continue
        except ConnectionResetError:
            return got
        if not data:
            return got
        got += data
    raise AssertionError("the connection is still open")


def eventually(happened: object) -> None:
    """Wait up to five seconds for what a callable tells."""
    assert callable(happened)
    for _ in range(500):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def read_until(client: socket.socket, wanted: bytes) -> bytes:
    """Read until something has come."""
    got = b""
    while wanted not in got:
        data = client.recv(65536)
        assert data, got
        got += data
    return got
