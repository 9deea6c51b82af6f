"""Server-sent events (WHATWG HTML section 9.2), read without losing a byte.

Lives here: cutting a byte stream into events, and writing one. Does not live here: what is in them.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from adjourn.core.errors import AdjournError

_LARGEST_EVENT: Final = 32 * 1024 * 1024
"""Bytes; an image that a model draws comes in one event."""
_BOM: Final = b"\xef\xbb\xbf"
_encode = msgspec.json.Encoder().encode


class BadReply(AdjournError):
    """The model's server sent what cannot be read; the turn counts for nothing."""

    code = "bad_reply"


class SseEvent(NamedTuple):
    """One event with the bytes it came as, its blank line included."""

    raw: bytes
    data: bytes | None
    """The data lines joined by newlines; None if there is none, as in a comment."""
    event: str = ""


class SseDecoder:
    """Cuts bytes into events; the raws of all events and the leftover are the input."""

    def __init__(self, largest: int = _LARGEST_EVENT) -> None:
        self._largest = largest
        self._buffer = bytearray()
        self._line = 0
        """Where the line being read begins."""
        self._seen = 0
        """Up to where line ends have been looked for."""

    @property
    def leftover(self) -> bytes:
        """Bytes of an event whose blank line has not come."""
        return bytes(self._buffer)

    def end(self) -> SseEvent | None:
        """The bytes have ended: return the event whose blank line has not come, if there is any."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return _parse(rest) if rest.strip() else None

    def feed(self, data: bytes) -> list[SseEvent]:
        """Take bytes and return the events that are complete with them.

        Raises:
            BadReply: An event is larger than allowed.
        """
        if not self._buffer and _is_usual(data):
            *whole, rest = data.split(b"\n\n")
            self._buffer += rest
            self._check()
            return [
                SseEvent(raw + b"\n\n", raw[6:])
                if raw.startswith(b"data: ") and b"\n" not in raw  # most are one line of data
                else _parse(raw + b"\n\n")
                for raw in whole
            ]
        self._buffer += data
        events: list[SseEvent] = []
        while (found := self._line_end()) is not None:
            end, following = found
            blank = end == self._line
            self._line = self._seen = following
            if blank:
                raw = bytes(self._buffer[:following])
                del self._buffer[:following]
                self._line = self._seen = 0
                events.append(_parse(raw))
        self._check()
        return events

    def _check(self) -> None:
        if len(self._buffer) > self._largest:
            raise BadReply(f"an event has more than {self._largest} bytes")

    def _line_end(self) -> tuple[int, int] | None:
        """Return where the current line ends and where the next begins, if that is known."""
        buffer = self._buffer
        newline = buffer.find(b"\n", self._seen)
        stop = len(buffer) if newline < 0 else newline
        carriage = buffer.find(b"\r", self._seen, stop)
        if carriage < 0:
            self._seen = stop
            return None if newline < 0 else (newline, newline + 1)
        if carriage + 1 == len(buffer):
            self._seen = carriage
            return None  # the newline of a CRLF may still come
        following = carriage + 2 if buffer[carriage + 1] == 0x0A else carriage + 1
        return carriage, following


def _is_usual(data: bytes) -> bool:
    """Whether lines end as nearly everybody ends them, so that events end at each blank line."""
    return b"\r" not in data and b"\n\n\n" not in data and not data.startswith(b"\n")


def _parse(raw: bytes) -> SseEvent:
    data: list[bytes] = []
    event = ""
    text = raw.removeprefix(_BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for line in text.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return SseEvent(raw, b"\n".join(data) if data else None, event)


def as_event(body: Mapping[str, Any]) -> bytes:
    """Return a JSON object as one server-sent event, named by its type."""
    return b"event: " + str(body["type"]).encode() + b"\ndata: " + _encode(body) + b"\n\n"
