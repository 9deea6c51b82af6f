"""Items of OpenAI Responses: what they say and call."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from adjourn.core.turns import ModelReply
from adjourn.wire.reading import json_of

_encode = msgspec.json.Encoder().encode

_HOSTED: Final = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
    }
)
"""Calls that the model's server carries out itself, within the reply."""
_SAYS: Final = {"output_text": "text", "refusal": "refusal"}


def items_of(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a response's output items; none if it has no list of them."""
    output = response.get("output")
    return [i for i in output if isinstance(i, dict)] if isinstance(output, list) else []


def text_of_items(items: Sequence[Mapping[str, Any]]) -> str:
    """Return what the assistant says in these items."""
    return "".join(
        _text_of_part(part)
        for item in items
        if item.get("type") == "message" and isinstance(item.get("content"), list)
        for part in item["content"]
    )


def _text_of_part(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    text = part.get(_SAYS[kind]) if isinstance(kind, str) and kind in _SAYS else None
    return text if isinstance(text, str) else ""


def is_call(item: Mapping[str, Any], tool: str | None = None) -> bool:
    """Tell whether an item calls a tool of the client's, or this very tool."""
    kind = str(item.get("type"))
    if tool is not None:
        return kind == "function_call" and item.get("name") == tool
    return kind == "mcp_approval_request" or (kind.endswith("_call") and kind not in _HOSTED)


def without_calls(items: Sequence[dict[str, Any]], tool: str | None) -> list[dict[str, Any]]:
    """Return the items without the end tool's calls."""
    return [item for item in items if tool is None or not is_call(item, tool)]


def reply_of(
    items: Sequence[dict[str, Any]], status: Any, tool: str | None
) -> tuple[ModelReply, tuple[bytes, str] | None]:
    """Return what a reply says and calls, and its one end call as a round, if exactly one counts.

    Args:
        items: The reply's output.
        status: How it ended.
        tool: Name of the end tool, if its calls are to be recognised.
    """
    text = text_of_items(items)
    others = any(is_call(item) for item in without_calls(items, tool))
    ours = [item for item in items if tool is not None and is_call(item, tool)]
    if len(ours) != 1 or others or status != "completed" or not _is_valid(ours[0]):
        return ModelReply((text,), 0, others, bool(ours)), None
    ident = ours[0].get("call_id")
    ident = ident if isinstance(ident, str) and ident else "call_adjourn"
    made = [{**item, "call_id": ident} if item is ours[0] else item for item in items]
    return ModelReply((text,), 1), (_encode(made), ident)


def _is_valid(call: Mapping[str, Any]) -> bool:
    """Whether the arguments are complete: a JSON object, or nothing at all."""
    arguments = call.get("arguments") or "{}"
    return isinstance(arguments, str) and isinstance(json_of(arguments), dict)


def message_item(ident: str, text: str) -> dict[str, Any]:
    """Return a finished message of the assistant's."""
    content = [text_part(text)]
    return {**empty_message(ident), "status": "completed", "content": content}


def with_words(message: Mapping[str, Any], words: str) -> dict[str, Any]:
    """Return a message with words after its own."""
    content = message.get("content")
    parts = list(content) if isinstance(content, list) else []
    newest = parts[-1] if parts else None
    if isinstance(newest, dict) and newest.get("type") == "output_text":
        parts[-1] = {**newest, "text": f"{newest.get('text', '')}{words}"}
    else:
        parts.append(text_part(words))
    return {**message, "content": parts}


def empty_message(ident: str) -> dict[str, Any]:
    """Return a message of the assistant's that begins."""
    return {
        "id": ident,
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [],
    }


def text_part(text: str) -> dict[str, Any]:
    """Return a part of a message that is text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
