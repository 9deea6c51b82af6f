"""Server-sent events of Anthropic Messages."""

from adjourn.wire.anthropic_whole import error_body


def error_frame(message: str, *, code: str, type: str) -> bytes:  # noqa: A002 - the dialect's word
    """Return the frame that ends a stream with an error; nothing may follow it."""
    return b"event: error\ndata: " + error_body(message, type=type, code=code) + b"\n\n"
