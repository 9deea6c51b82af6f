"""What the body of a model server's reply is: events or a whole, encoded or plain.

Asked for an unencoded reply, some servers and proxies encode it all the same; asked for a stream,
some say nothing of its type, or call it something else. Clients read both, and so does adjourn.
"""

import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

from adjourn.core.errors import UpstreamUnavailable

Headers = Sequence[tuple[str, str]]

_BEGIN_EVENTS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
_ENOUGH: Final = 16
"""Bytes that tell how a body begins."""
_BOM: Final = b"\xef\xbb\xbf"
_ANY_ZLIB: Final = 47
"""zlib's word for: gzip's frame or its own, whichever is there."""
_ZLIB: Final = frozenset({"gzip", "x-gzip", "deflate"})


def header_of(headers: Headers, name: str) -> str:
    """Return a header's value in lower case, trimmed; empty if it is not there."""
    return next((value for key, value in headers if key.lower() == name), "").strip().lower()


def say_events(headers: Headers) -> bool:
    """Tell whether headers say that the body is a stream of events."""
    return header_of(headers, "content-type").startswith("text/event-stream")


def are_events(headers: Headers, first: bytes, *, asked: bool) -> bool:
    """Tell whether a body is a stream of events.

    Args:
        headers: The reply's.
        first: The body's first piece.
        asked: Whether a stream was asked for.
    """
    if say_events(headers):
        return True
    return asked and first.removeprefix(_BOM).lstrip().startswith(_BEGIN_EVENTS)


async def begun(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return a body's beginning, enough to tell what it is, and the whole body.

    Raises:
        UpstreamUnavailable: It was cut before.
    """
    first = b""
    while len(first) < _ENOUGH and (chunk := await anext(chunks, b"")):
        first += chunk

    async def whole() -> AsyncIterator[bytes]:
        if first:
            yield first
        async for chunk in chunks:
            yield chunk

    return first, whole()


async def plain(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Yield a body without its content encoding, as it arrives.

    Raises:
        UpstreamUnavailable: It was cut, or is not encoded as its headers say, or in a way that
            adjourn cannot read.
    """
    if encoding not in _ZLIB:
        raise UpstreamUnavailable(
            f"the model's server encoded its reply as {encoding[:20]}, which was not asked for"
        )
    decoder = zlib.decompressobj(_ANY_ZLIB)
    try:
        async for chunk in chunks:
            if data := decoder.decompress(chunk):
                yield data
    except zlib.error:
        raise UpstreamUnavailable(
            f"the model's server sent a reply that is not encoded as {encoding}"
        ) from None
    if not decoder.eof:
        raise UpstreamUnavailable("the model's server cut its reply")
