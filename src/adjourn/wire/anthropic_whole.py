"""Whole replies and errors of Anthropic Messages: reading, adding to, and writing them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adjourn.wire.anthropic_blocks import is_call, reply_of, text_of_blocks
from adjourn.wire.dialect import WholeReply
from adjourn.wire.reading import json_of

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def read_reply(body: bytes, tool_name: str | None) -> WholeReply:
    """Read a whole reply; end calls are recognised by the tool's name, if it is given."""
    message = json_of(body)
    blocks = message.get("content") if isinstance(message, dict) else None
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return WholeReply(None, "the model's server sent a reply that cannot be read")
    reply, round_ = reply_of(blocks, message.get("stop_reason"), tool_name)
    return WholeReply(reply, "", round_)


def finish_reply(
    body: bytes,
    *,
    added: str,
    extension: Mapping[str, Any] | None,
    strip_tool: str | None,
    instead: bool = False,
    before: tuple[str, ...] = (),
) -> bytes:
    """Return a whole reply with the gateway's words in it; the same bytes if there are none.

    Args:
        body: The model's reply.
        added: Words after the model's own.
        extension: The ``adjourn`` field.
        strip_tool: Name of the end tool, whose calls the client does not see.
        instead: The added words replace the model's.
        before: Words of earlier rounds, which come first.
    """
    message = _decode(body)
    blocks = message["content"]
    kept = [b for b in blocks if not (strip_tool and is_call(b, strip_tool))]
    stripped = len(kept) < len(blocks)
    if not (added or extension or instead or any(before) or stripped):
        return body
    if instead:
        kept = []
    if any(before):
        kept = [_text_block("".join(before)), *kept]
    if added:
        kept = _with_words(kept, added)
    if (stripped and not any(is_call(block) for block in kept)) or instead:
        message["stop_reason"] = "end_turn"
    message["content"] = kept
    return _encode({**message, "adjourn": extension} if extension else message)


def _with_words(blocks: list[dict[str, Any]], added: str) -> list[dict[str, Any]]:
    """Put words behind the model's, but before its calls, which end a message."""
    calls = next((i for i, block in enumerate(blocks) if is_call(block)), len(blocks))
    words = f"\n\n{added}" if text_of_blocks(blocks[:calls]) else added
    return [*blocks[:calls], _text_block(words), *blocks[calls:]]


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def own_message(seed: str, model: str) -> dict[str, Any]:
    """Return the message of a reply of the gateway's own, without content.

    Args:
        seed: Id of the node that is answered.
        model: The model's name as the client gave it.
    """
    return {
        "id": f"msg_adjourn_{seed[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


def write_reply(seed: str, model: str, text: str, extension: Mapping[str, Any] | None) -> bytes:
    """Return a whole reply of the gateway's own."""
    content = [_text_block(text)]
    message = {**own_message(seed, model), "content": content, "stop_reason": "end_turn"}
    return _encode({**message, "adjourn": extension} if extension else message)


def error_body(
    message: str,
    *,
    type: str,  # noqa: A002 - the dialect's word
    code: str,
    param: str | None = None,
    extension: Mapping[str, Any] | None = None,
) -> bytes:
    """Return an error in the dialect's form; ``code`` and ``param`` are additions of ours."""
    error = {"type": type, "message": message, "code": code}
    if param is not None:
        error["param"] = param
    body: dict[str, Any] = {"type": "error", "error": error}
    return _encode({**body, "adjourn": extension} if extension else body)


def error_frame(message: str, *, code: str, type: str) -> bytes:  # noqa: A002 - the dialect's word
    """Return the event that ends a stream with an error; nothing may follow it."""
    return b"event: error\ndata: " + error_body(message, type=type, code=code) + b"\n\n"
