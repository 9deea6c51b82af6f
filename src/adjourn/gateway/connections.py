"""Limits of connections: how long a head may be, and how slow a client.

uvicorn reads heads of any length and waits for them for ever. This protocol refuses what is too
long, and a look at all connections once a second closes those that are too slow: there is no timer
per request. It leans on uvicorn's ``HttpToolsProtocol``, which has no stable interface; its tests
run over real sockets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from adjourn.gateway.asgi import WHEN_GONE


@dataclass(frozen=True, slots=True)
class Limits:
    """What a connection may cost; seconds and bytes."""

    max_head_bytes: int
    max_connections: int
    head_timeout_s: float
    body_timeout_s: float
    write_timeout_s: float


class _TooLong(Exception):
    """The head is longer than it may be; ends the parsing."""


class GatewayProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        limits: What it may cost.
        live: Where it is listed as long as it is open.
    """

    def __init__(
        self, *args: Any, limits: Limits, live: set["GatewayProtocol"], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._live = live
        self._until: float | None = None
        """When what the client has begun must be complete."""
        self._late = ""
        self._in_head = True
        self._head_bytes = 0
        self._unsent = 0
        self._stuck_since: float | None = None
        self._when_gone: Callable[[], object] | None = None

    def connection_made(self, transport: Any) -> None:
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self._live) >= self._limits.max_connections:
            transport.abort()
            return
        self._live.add(self)
        self._expect("head", self._limits.head_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and tell the request that is being served."""
        self._live.discard(self)
        if self._when_gone is not None and self.cycle and not self.cycle.response_complete:
            self._when_gone()
        super().connection_lost(exc)

    def when_gone(self, call: Callable[[], object]) -> Callable[[], object]:
        """Call something once the client has left; return what calls that off."""
        if self.transport.is_closing():
            call()
            return lambda: None
        self._when_gone = call
        self.flow.resume_reading()  # who does not read does not notice
        return self._stays

    def _stays(self) -> None:
        self._when_gone = None

    def data_received(self, data: bytes) -> None:
        """Parse what came; a head that does not end is not waited for."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self._limits.max_head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "request_head_too_large")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope[WHEN_GONE] = self.when_gone  # type: ignore[typeddict-unknown-key]
        if not self._in_head:  # not the first on this connection
            self._in_head = True
            self._head_bytes = 1  # at least: what came with the last request is not counted
        self._expect("head", self._limits.head_timeout_s)

    def on_headers_complete(self) -> None:
        """Begin to serve the request, if its head is not too long."""
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.max_head_bytes:
            raise _TooLong
        self._expect("body", self._limits.body_timeout_s)
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            self.cycle.send = _OldClient(self.cycle)  # type: ignore[method-assign]

    def on_message_complete(self) -> None:
        """Wait for nothing any more."""
        self._until = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, or was too long to be."""
        size = len(self.url) + sum(len(n) + len(v) for n, v in self.headers) if self.headers else 0
        if size > self._limits.max_head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "request_head_too_large")
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "invalid_http")

    def look(self) -> None:
        """Close the connection if the client is too slow to write, or to read."""
        now = self.loop.time()
        if self._until is not None and now > self._until and not self.pipeline:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"request_{self._late}_too_slow")
            return
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now
        elif now - self._stuck_since > self._limits.write_timeout_s:
            self.transport.abort()
        self._unsent = unsent

    def _expect(self, what: str, within_s: float) -> None:
        self._late = what
        self._until = self.loop.time() + within_s

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        """Answer, if nothing was answered yet, and close."""
        self._until = None
        if self.transport.is_closing():
            return
        if self._may_answer():
            error = {"type": "invalid_request_error", "message": _WORDS[code], "code": code}
            body = msgspec.json.encode({"error": error})
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _may_answer(self) -> bool:
        """Tell whether a client waits for an answer that nobody has begun."""
        cycle = self.cycle
        if not self._head_bytes:
            return False
        if cycle is None or not cycle.response_started:
            return True
        return self._in_head and cycle.response_complete


class _OldClient:
    """Sends to a client of HTTP/1.0, such as some proxies: it knows no chunks (RFC 9112, 6.1).

    A reply whose length is not known goes out as it is, and ends with the connection.
    """

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._send = cycle.send
        self._endless = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", ())}
            self._endless = b"content-length" not in names
            if self._endless:
                self._cycle.chunked_encoding = False
        elif self._endless:
            self._cycle.expected_content_length = len(message.get("body", b""))
        await self._send(message)


_WORDS: Final = {
    "invalid_http": "This is not an HTTP/1.1 request; the connection is closed.",
    "request_head_too_large": "The request's headers are too long; send fewer or shorter ones.",
    "request_head_too_slow": "The request's headers took too long to arrive.",
    "request_body_too_slow": "The request's body took too long to arrive.",
}
