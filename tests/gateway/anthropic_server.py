"""What a model server that speaks Anthropic Messages answers."""

import json
from collections.abc import Sequence
from typing import Any

from .model_server import Answer, Asked, Script


def event(body: dict[str, Any]) -> bytes:
    """One server-sent event, named as the API names it."""
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()


def blocks_of(text: str, calls: Sequence[tuple[str, str]] = ()) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    for index, (name, args) in enumerate(calls):
        blocks.append(
            {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": json.loads(args)}
        )
    return blocks


def message(text: str, *, calls: Sequence[tuple[str, str]] = ()) -> Answer:
    """A whole message."""
    body = {
        **START["message"],
        "content": blocks_of(text, calls),
        "stop_reason": "tool_use" if calls else "end_turn",
        "x_unknown": {"kept": 1.0},
    }
    return Answer(pieces=[json.dumps(body).encode()])


START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "model-1",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1},
    },
}


def pieces_of(blocks: Sequence[dict[str, Any]], stop: str = "end_turn") -> list[bytes]:
    """A streamed message, a few letters a delta."""
    pieces = [event(START), event({"type": "ping"})]
    for index, block in enumerate(blocks):
        empty, deltas = _parted(block)
        head = {"type": "content_block_start", "index": index, "content_block": empty}
        pieces.append(event(head))
        grows = {"type": "content_block_delta", "index": index}
        pieces += [event({**grows, "delta": delta}) for delta in deltas]
        pieces.append(event({"type": "content_block_stop", "index": index}))
    delta = {"stop_reason": stop, "stop_sequence": None}
    pieces.append(event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}))
    pieces.append(event({"type": "message_stop"}))
    return pieces


def _parted(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it begins, and what it grows by."""
    match block["type"]:
        case "text":
            parts = block["text"].replace(" ", " \0").split("\0")
            return {**block, "text": ""}, [{"type": "text_delta", "text": p} for p in parts if p]
        case "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            grows = {"type": "thinking_delta", "thinking": block["thinking"]}
            return empty, [grows, {"type": "signature_delta", "signature": block["signature"]}]
        case "tool_use":
            args = json.dumps(block["input"])
            parts = ["", *(args[at : at + 3] for at in range(0, len(args), 3))]
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
            return {**block, "input": {}}, deltas
        case _:
            return block, []


def message_stream(
    text: str, *, calls: Sequence[tuple[str, str]] = (), ending: str = "regular"
) -> Answer:
    """A streamed message, one word a delta."""
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    pieces = pieces_of(blocks_of(text, calls), "tool_use" if calls else "end_turn")
    return Answer(headers=headers, pieces=pieces, ending=ending)


def speaks(text: str, *, calls: Sequence[tuple[str, str]] = ()) -> Script:
    """A model that always says this, streamed if the request asks for it."""
    make = {True: message_stream, False: message}
    return lambda asked: make[bool(asked.json.get("stream"))](text, calls=calls)


def tools_of(asked: Asked) -> list[str]:
    """Names of the tools a request offers."""
    return [tool["name"] for tool in asked.json.get("tools", [])]


def rounds_of(asked: Asked) -> int:
    """How many results of tools the request ends with."""
    last = asked.json["messages"]
    return sum(
        isinstance(m["content"], list) and any(b["type"] == "tool_result" for b in m["content"])
        for m in last
    )
