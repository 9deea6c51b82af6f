"""What fuzzing begins with: requests, replies and streams of every dialect, and files."""

import json
from collections.abc import Sequence
from typing import Any

from adjourn.core.decisions import Delivered
from adjourn.core.entries import Entry, EntryKind
from adjourn.core.tree import NodeId
from adjourn.runtime.notes import Checkpoint, Signer
from adjourn.runtime.policies import load_policy, preset_names
from adjourn.store.codec import encode, leaf_hash, ledger_row
from adjourn.store.jsonl_ledger import export_line

_TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
_PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
_CALL = {"id": "1", "type": "function", "function": {"name": "end_conversation", "arguments": "{}"}}


def _encoded(*values: Any) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


REQUESTS = _encoded(
    {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    {
        "model": "m", "stream": True, "n": 2, "user": "u", "tools": [_TOOL], "tool_choice": "auto",
        "metadata": {"conversation_id": "c"}, "response_format": {"type": "json_object"},
        "messages": [
            {"role": "system", "content": "s"}, {"role": "developer", "content": "d"},
            {"role": "user", "name": "n", "content": [{"type": "text", "text": "é"}, _PICTURE]},
            {"role": "assistant", "content": None, "tool_calls": [_CALL], "refusal": "no"},
            {"role": "tool", "tool_call_id": "1", "content": "x"}, {"role": "user", "content": "y"},
        ],
    },
    {
        "model": "m", "max_tokens": 9, "system": [{"type": "text", "text": "s"}],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "metadata": {"user_id": "u"}, "tool_choice": {"type": "any"},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image",
             "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t",
             "signature": "s"}, {"type": "tool_use", "id": "1", "name": "look", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1",
             "content": [{"type": "text", "text": "r"}]}, {"type": "text", "text": "b"}]},
        ],
    },
    {
        "model": "m", "instructions": "s", "stream": True, "safety_identifier": "u",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
            {"type": "function_call", "call_id": "1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "r"},
        ],
    },
    {"model": "m", "input": "hi"},
)  # fmt: skip


def plain(path: str) -> bytes:
    """Return the shortest request of an endpoint."""
    if path.endswith("responses"):
        return REQUESTS[4]
    most = {"max_tokens": 9} if path.endswith("messages") else {}
    return json.dumps({**json.loads(REQUESTS[0]), **most}).encode()


_MESSAGE = {"role": "assistant", "content": "Fine.", "tool_calls": [_CALL]}
_USE = {"type": "tool_use", "id": "1", "name": "end_conversation", "input": {}}
REPLIES = _encoded(
    {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": _MESSAGE, "finish_reason": "tool_calls"},
        {"index": 1, "message": {"role": "assistant", "content": "b"}, "finish_reason": "stop"}]},
    {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None,
     "content": [{"type": "thinking", "thinking": "t", "signature": "s"},
                 {"type": "text", "text": "Fine."}, _USE],
     "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}},
    {"id": "r", "object": "response", "status": "completed", "model": "m", "output": [
        {"type": "message", "id": "1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "Fine.", "annotations": []}]},
        {"type": "function_call", "id": "2", "call_id": "3", "name": "end_conversation",
         "arguments": "{}"}]},
)  # fmt: skip


def _openai(*deltas: dict[str, Any]) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    end: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
    chunks = [{**head, "choices": [choice]} for choice in (*choices, end)]
    usage = {**head, "choices": [], "usage": {"total_tokens": 3}}
    lines = _encoded(*chunks, usage)
    return b"".join(b"data: %s\n\n" % line for line in [*lines, b"[DONE]"])


def _named(*events: dict[str, Any]) -> bytes:
    pairs = [(event["type"].encode(), json.dumps(event).encode()) for event in events]
    return b"".join(b"event: %s\r\ndata: %s\r\n\r\n" % pair for pair in pairs)


STREAMS = [
    _openai({"role": "assistant", "content": ""}, {"content": "Fine"}, {"content": " é."},
            {"tool_calls": [{"index": 0, **_CALL}]}),
    b": ping\n\n" + _openai({"content": "a"}) + b'data: {"error": {"message": "busy"}}\n\n',
    _named(
        {"type": "message_start", "message": {**json.loads(REPLIES[1]), "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
        {"type": "content_block_stop", "index": 0}, {"type": "ping"},
        {"type": "content_block_start", "index": 1, "content_block": _USE},
        {"type": "content_block_delta", "index": 1,
         "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None},
         "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ),
    _named(
        {"type": "response.created", "response": {**json.loads(REPLIES[2]), "output": []}},
        {"type": "response.output_item.added", "output_index": 0,
         "item": {"type": "message", "id": "1", "role": "assistant", "content": []}},
        {"type": "response.output_text.delta", "item_id": "1", "output_index": 0,
         "content_index": 0, "delta": "Fine."},
        {"type": "response.completed", "response": json.loads(REPLIES[2])},
    ),
]  # fmt: skip


def policies() -> list[bytes]:
    """Return the documents of all presets."""
    return [load_policy(name)[1].encode() for name in preset_names()]


def ledgers() -> list[bytes]:
    """Return the export of a small ledger."""
    node = NodeId("ab" * 32)
    turn = Entry(EntryKind.TURN, 1_800_000_000_000, node, node, "digest", "adult", "warn",
                 ("ground(abuse)",), delivered=Delivered.WARNING, conversation=node)  # fmt: skip
    lines: list[bytes] = []
    for position, kind in enumerate((EntryKind.TURN, EntryKind.END, EntryKind.APPEAL)):
        body = encode(Entry(kind, turn.at_ms, node, node, "digest", "adult", str(kind), ()))
        row = ledger_row(position, leaf_hash(body), turn.at_ms, body)
        lines.append(json.dumps(export_line(row)).encode())
    return [b"\n".join(lines), lines[0]]


def notes(signer: Signer) -> Sequence[bytes]:
    """Return signed checkpoints, with the time and without, and a key."""
    timed = Checkpoint(signer.name, 7, b"r" * 32, 1_800_000_000_000)
    bare = Checkpoint(signer.name, 0, b"r" * 32)
    signed = [signer.sign(one.body()).encode() for one in (timed, bare)]
    return [*signed, str(signer.verifier).encode()]
