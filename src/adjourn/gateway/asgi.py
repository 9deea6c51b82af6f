"""The little ASGI that the hot path needs: reading a body with a limit, answering a client."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Iterable[tuple[str, str]]

WHEN_GONE: Final = "adjourn.when_gone"
"""Where in a request's scope the server takes what is to be called once its client has left."""
_NAMED: Final = "adjourn.headers"
"""Where in its scope a request's headers are kept by name."""


class BodyTooLarge(Exception):
    """The client's body is above the limit; the rest of it is not read."""


class ClientGone(Exception):
    """The client left before its request was complete."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read a request's body.

    Raises:
        BodyTooLarge: It has more than ``limit`` bytes.
        ClientGone: The client left in the middle of it.
    """
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return b"".join(pieces)


def when_gone(scope: Scope, receive: Receive, call: Callable[[], object]) -> Callable[[], object]:
    """Call something once the client has left; return what calls that off.

    Our own server says so itself. Of any other a task asks, which costs a tenth of a request.
    """
    tells: Callable[[Callable[[], object]], Callable[[], object]] | None = scope.get(WHEN_GONE)
    if tells is not None:
        return tells(call)
    asking = asyncio.create_task(_until_gone(receive))
    asking.add_done_callback(lambda _: call())
    return asking.cancel


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Client:
    """The reply to one client: a head once, then pieces, then the end."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head."""
        self.started = True
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """Send the last piece."""
        await self._send({"type": "http.response.body", "body": data})

    async def answer(
        self,
        status: int,
        body: bytes,
        headers: Headers = (),
        content_type: str = "application/json",
    ) -> None:
        """Send a whole reply."""
        head = [("content-type", content_type), ("content-length", str(len(body))), *headers]
        await self.start(status, head)
        await self.end(body)


def header(scope: Scope, name: str) -> str:
    """Return a request header's value, empty if it is not there; the first one counts."""
    named: dict[str, str] | None = scope.get(_NAMED)
    if named is None:
        named = scope[_NAMED] = {
            key.decode("latin-1"): value.decode("latin-1")
            for key, value in reversed(scope["headers"])
        }
    return named.get(name, "")
