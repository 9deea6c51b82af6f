"""Whole replies of OpenAI Responses: reading them, adding to them, and writing one's own."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from adjourn.wire.dialect import ChatRequest, WholeReply
from adjourn.wire.reading import json_of
from adjourn.wire.responses_items import (
    items_of,
    message_item,
    reply_of,
    text_of_items,
    with_words,
    without_calls,
)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_ENDED: Final = ("completed", "incomplete")


def read_reply(body: bytes, tool_name: str | None) -> WholeReply:
    """Read a whole reply; end calls are recognised by the tool's name, if it is given."""
    response = json_of(body)
    if not isinstance(response, dict) or not isinstance(response.get("output"), list):
        return WholeReply(None, "the model's server sent a reply that cannot be read")
    items, status = items_of(response), response.get("status", "completed")
    if len(items) < len(response["output"]) or status not in _ENDED:
        return WholeReply(None, "the model's server sent a reply that is not finished")
    reply, round_ = reply_of(items, status, tool_name)
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
        added: Words after the model's own, in the same message if it ends with one, because many
            clients show the last message alone.
        extension: The ``adjourn`` field.
        strip_tool: Name of the end tool, whose calls the client does not see.
        instead: The added words replace the model's.
        before: Words of earlier rounds, which come first.
    """
    response = _decode(body)
    items = response["output"]
    kept = without_calls(items, strip_tool)
    if not (added or extension or instead or any(before) or len(kept) < len(items)):
        return body
    ident = str(response.get("id", "")).removeprefix("resp_")
    if instead:
        kept = []
        response.update(status="completed", incomplete_details=None)
    if any(before):
        kept = [message_item(f"msg_adjourn_before_{ident}", "".join(before)), *kept]
    if added:
        words = f"\n\n{added}" if text_of_items(kept) else added
        if kept and kept[-1].get("type") == "message":
            kept = [*kept[:-1], with_words(kept[-1], words)]
        else:
            kept = [*kept, message_item(f"msg_adjourn_{ident}", words)]
    response["output"] = kept
    if "output_text" in response:  # some servers repeat the text beside the items
        response["output_text"] = text_of_items(kept)
    return _encode({**response, "adjourn": extension} if extension else response)


def own_response(seed: str, model: str, at_s: int) -> dict[str, Any]:
    """Return a response of the gateway's own that begins.

    Args:
        seed: Id of the node that is answered.
        model: The model's name as the client gave it.
        at_s: When, seconds since the Unix epoch.
    """
    return {
        "id": f"resp_adjourn_{seed[:24]}",
        "object": "response",
        "created_at": at_s,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
    }


def write_reply(
    request: ChatRequest, text: str, seed: str, at_s: int, extension: Mapping[str, Any] | None
) -> bytes:
    """Return a whole reply of the gateway's own, made ``at_s`` seconds after 1970."""
    output = [message_item(f"msg_adjourn_{seed[:24]}", text)]
    response = own_response(seed, request.model, at_s)
    response.update(status="completed", output=output)
    return _encode({**response, "adjourn": extension} if extension else response)
