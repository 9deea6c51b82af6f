"""Server-sent events of Anthropic Messages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adjourn.wire.anthropic_whole import error_body

_encode = msgspec.json.Encoder().encode


def as_event(body: Mapping[str, Any]) -> bytes:
    """Return a JSON object as one server-sent event, named by its type."""
    return b"event: " + str(body["type"]).encode() + b"\ndata: " + _encode(body) + b"\n\n"


def error_frame(message: str, *, code: str, type: str) -> bytes:  # noqa: A002 - the dialect's word
    """Return the frame that ends a stream with an error; nothing may follow it."""
    return b"event: error\ndata: " + error_body(message, type=type, code=code) + b"\n\n"
