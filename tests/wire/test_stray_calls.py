"""Calls of the end tool that count for nothing, calls that only look like one, and paused turns."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from adjourn.core.turns import ModelReply
from adjourn.wire.anthropic_messages import Messages
from adjourn.wire.dialect import Dialect, FrameKind
from adjourn.wire.openai_chat import ChatCompletions
from adjourn.wire.openai_responses import Responses
from tests.gateway import anthropic_server, model_server, responses_server

TOOL = "end_conversation"
ENDS = (TOOL, "{}")
OTHER = ("weather", "{}")
CHAT: tuple[Dialect, bytes] = (ChatCompletions(), b'{"model":"m","messages":[{"role":"user"}]}')
MESSAGES: tuple[Dialect, bytes] = (Messages(), CHAT[1])
RESPONSES: tuple[Dialect, bytes] = (Responses(), b'{"model":"m","input":"x"}')


def replies(calls: Sequence[tuple[str, str]]) -> dict[str, tuple[tuple[Dialect, bytes], Any, Any]]:
    """By dialect, a reply with these calls, whole and in pieces."""
    blocks = anthropic_server.blocks_of("", calls)
    items = responses_server.items_of("", calls)
    return {
        "chat": (CHAT, model_server.completion(None, calls=calls),
                 model_server.stream("", calls=calls)),
        "messages": (MESSAGES, anthropic_server.message("", calls=calls),
                     model_server.Answer(pieces=anthropic_server.pieces_of(blocks, "tool_use"))),
        "responses": (RESPONSES, responses_server.whole(items), responses_server.streamed(items)),
    }  # fmt: skip


def streamed(spoken: tuple[Dialect, bytes], data: bytes) -> tuple[ModelReply, bytes]:
    """Return what is read of a stream, and what of it may pass."""
    dialect, body = spoken
    outlet = dialect.outlet(dialect.parse_request(body), 1)
    reader = outlet.reader(TOOL)
    passed = b""
    for frame in reader.feed(data):
        if frame.kind is FrameKind.PASS:
            outlet.wrote(frame)
            passed += frame.raw
    end = reader.end()
    assert end.reply is not None
    return end.reply, passed + outlet.finish("0", None, end.last)


@pytest.mark.parametrize("name", ["chat", "messages", "responses"])
@pytest.mark.parametrize(
    ("calls", "ends", "stray"),
    [
        ([ENDS], 1, False),
        ([ENDS, ENDS], 0, True),
        ([ENDS, OTHER], 0, True),
        ([OTHER], 0, False),
        ([], 0, False),
    ],
)
def test_calls_that_count_for_nothing_are_told(
    name: str, calls: Sequence[tuple[str, str]], ends: int, stray: bool
) -> None:
    spoken, whole, pieces = replies(calls)[name]
    told = (ends, stray, OTHER in calls)
    read = spoken[0].read_reply(b"".join(whole.pieces), TOOL).reply
    assert read is not None
    assert (read.end_calls, read.stray_calls, read.other_calls) == told
    read, passed = streamed(spoken, b"".join(pieces.pieces))
    assert (read.end_calls, read.stray_calls, read.other_calls) == told
    assert (b'"weather"' in passed) == (OTHER in calls)
    assert TOOL.encode() not in passed


@pytest.mark.parametrize("name", ["e", "end", "end_conversatio", "end_conversation_now"])
@pytest.mark.parametrize("arguments", ["{}", ""])
def test_a_tool_whose_name_begins_like_the_end_tool_s_is_the_client_s(
    name: str, arguments: str
) -> None:
    answer = model_server.stream("", calls=[(name, arguments), OTHER])
    read, passed = streamed(CHAT, b"".join(answer.pieces))
    assert (read.other_calls, read.stray_calls) == (True, False)
    lines = [json.loads(x[6:]) for x in passed.split(b"\n\n") if x.startswith(b"data: {")]
    told = [
        (call["index"], call["function"].get("name"))
        for line in lines
        for choice in line["choices"]
        for call in choice["delta"].get("tool_calls", ())
        if call["function"].get("name")
    ]
    assert sorted(told) == [(0, name), (1, "weather")]
    finish = [c["finish_reason"] for line in lines for c in line["choices"]]
    assert finish[-1] == "tool_calls"
    assert finish.count(None) == len(finish) - 1


def test_a_paused_turn_is_not_over() -> None:
    """The client sends it back as it is; words of the gateway's in it would spoil that."""
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    body = {"content": [search], "stop_reason": "pause_turn"}
    whole = Messages.read_reply(json.dumps(body).encode(), TOOL).reply
    pieces = [
        anthropic_server.START,
        {"type": "content_block_start", "index": 0, "content_block": search},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "pause_turn"}},
    ]
    in_pieces, _ = streamed(MESSAGES, b"".join(map(anthropic_server.event, pieces)))
    assert whole == in_pieces == ModelReply(("",), 0, other_calls=True)
