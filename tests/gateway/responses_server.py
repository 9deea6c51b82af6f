"""What a model server that speaks OpenAI Responses answers."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from .model_server import Answer, Asked, Script

REASONING: dict[str, Any] = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": "gAAAA",
}


def event(body: dict[str, Any]) -> bytes:
    """One server-sent event, named as the API names it."""
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()


def items_of(text: str, calls: Sequence[tuple[str, str]] = ()) -> list[dict[str, Any]]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    said = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
    items: list[dict[str, Any]] = [{**said, "content": content}] if text else []
    for index, (name, args) in enumerate(calls):
        call = {"id": f"fc_{index}", "type": "function_call", "status": "completed"}
        items.append({**call, "call_id": f"call_{index}", "name": name, "arguments": args})
    return items


def response(items: Sequence[dict[str, Any]], status: str = "completed") -> dict[str, Any]:
    """A response with these items."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {},
        "model": "model-1",
        "output": list(items),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 3,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 10,
        },
        "x_unknown": {"kept": 1.0},
    }


def whole(items: Sequence[dict[str, Any]], status: str = "completed") -> Answer:
    return Answer(pieces=[json.dumps(response(items, status)).encode()])


def pieces_of(items: Sequence[dict[str, Any]], status: str = "completed") -> list[bytes]:
    """A streamed response, one word a delta."""
    begun = response([], "in_progress")
    events = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(items):
        events += _told(index, item)
    events.append({"type": f"response.{status}", "response": response(items, status)})
    return [event({**one, "sequence_number": number}) for number, one in enumerate(events)]


def _told(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    at = {"output_index": index}
    place = {"item_id": item["id"], **at}
    opened = {**item, "status": "in_progress"}
    match item["type"]:
        case "message":
            yield {"type": "response.output_item.added", **at, "item": {**opened, "content": []}}
            for number, part in enumerate(item["content"]):
                yield from _told_part({**place, "content_index": number}, part)
        case "function_call":
            yield {"type": "response.output_item.added", **at, "item": {**opened, "arguments": ""}}
            args = item["arguments"]
            for start in range(0, len(args), 3):
                delta = args[start : start + 3]
                yield {"type": "response.function_call_arguments.delta", **place, "delta": delta}
            name = item["name"]
            done = {"type": "response.function_call_arguments.done", **place}
            yield {**done, "arguments": args, "name": name}
        case _:
            yield {"type": "response.output_item.added", **at, "item": opened}
    yield {"type": "response.output_item.done", **at, "item": item}


def _told_part(place: dict[str, Any], part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    field = "refusal" if part["type"] == "refusal" else "text"
    kind = part["type"]
    more: dict[str, Any] = {"logprobs": []} if field == "text" else {}
    yield {"type": "response.content_part.added", **place, "part": {**part, field: ""}}
    for word in part[field].replace(" ", " \0").split("\0"):
        yield {"type": f"response.{kind}.delta", **place, "delta": word, **more}
    yield {"type": f"response.{kind}.done", **place, field: part[field], **more}
    yield {"type": "response.content_part.done", **place, "part": part}


def streamed(
    items: Sequence[dict[str, Any]], status: str = "completed", ending: str = "regular"
) -> Answer:
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    return Answer(headers=headers, pieces=pieces_of(items, status), ending=ending)


def answer(asked: Asked, items: Sequence[dict[str, Any]]) -> Answer:
    """An answer with these items, streamed if the request asks for it."""
    return streamed(items) if asked.json.get("stream") else whole(items)


def speaks(text: str, *, calls: Sequence[tuple[str, str]] = ()) -> Script:
    """A model that always says this, under new ids each time, for some clients go by them."""

    def script(asked: Asked) -> Answer:
        new = f"_{hashlib.sha256(asked.body).hexdigest()[:8]}"
        return answer(asked, [{**one, "id": one["id"] + new} for one in items_of(text, calls)])

    return script


def tools_of(asked: Asked) -> list[str]:
    """Names of the tools a request offers."""
    return [tool["name"] for tool in asked.json.get("tools", [])]


def results_of(asked: Asked) -> int:
    """How many results of tools a request carries."""
    given = asked.json["input"]
    items = given if isinstance(given, list) else []
    return sum(item.get("type") == "function_call_output" for item in items)
