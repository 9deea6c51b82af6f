"""Streamed replies: which frames pass, which wait, which are never seen, and what was said."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from adjourn.wire.dialect import Frame, FrameKind, StreamEnd
from adjourn.wire.openai_frames import (
    Template,
    error_frame,
    finish_frames,
    new_template,
    reply_frames,
    text_frame,
)
from adjourn.wire.openai_stream import StreamReader
from adjourn.wire.sse import SseDecoder
from tests.gateway.model_server import chunk, stream
from tests.odd import Odd, odds

from .feeding import feed, passed

TOOL = "end_conversation"
DONE = b"data: [DONE]\n\n"


def read(
    data: bytes, tool: str | None = TOOL, cuts: list[int] | None = None, **options: Any
) -> tuple[list[Frame], StreamEnd]:
    return feed(StreamReader(tool, **options), data, cuts)


def call(index: int, name: str | None, arguments: str | None = None, **more: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {
        "index": index,
        **more,
        "function": {k: v for k, v in function.items() if v is not None},
    }


def tool_chunk(*calls: dict[str, Any], **delta: Any) -> bytes:
    return chunk({**delta, "tool_calls": list(calls)})


FINISH = chunk({}, "tool_calls") + DONE


def test_an_ordinary_stream_passes_as_it_came() -> None:
    data = b"".join(stream("Hello there.").pieces)
    frames, end = read(data)
    assert passed(frames) + b"".join(frame.raw for frame in end.last) == data
    assert end.reply is not None
    assert end.reply.texts == ("Hello there.",)
    assert not end.reply.end_calls


def test_the_usage_after_the_finish_waits() -> None:
    usage = b'data: {"id":"x","choices":[],"usage":{"total_tokens":2}}\n\n'
    data = usage + chunk({"content": "a"}) + chunk({}, "stop") + usage + DONE
    frames, end = read(data)
    assert passed(frames) == usage + chunk({"content": "a"})
    assert len(end.last) == 3


def test_text_with_the_finish_is_parted() -> None:
    frames, end = read(chunk({"content": "a"}) + chunk({"content": "b"}, "stop") + DONE)
    assert [frame.texts for frame in frames] == [((0, "a"),), ((0, "b"),)]
    finish = json.loads(end.last[0].raw[6:])
    assert finish["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert end.reply is not None
    assert end.reply.texts == ("ab",)


END_CALLS = {
    "at once": tool_chunk(call(0, TOOL, "{}", id="c1")),
    "in pieces": tool_chunk(call(0, TOOL, "", id="c1"))
    + tool_chunk(call(0, None, "{")) + tool_chunk(call(0, None, "}")),
    "without arguments": tool_chunk(call(0, TOOL, id="c1")),
    "name in pieces": tool_chunk(call(0, "end_", "", id="c1"))
    + tool_chunk(call(0, "conversation", "{}")),
    "name late": tool_chunk({"index": 0, "id": "c1"}) + tool_chunk(call(0, TOOL, "{}")),
    "name twice": tool_chunk(call(0, TOOL, "", id="c1")) + tool_chunk(call(0, TOOL, "{}")),
}  # fmt: skip


@pytest.mark.parametrize("calls", END_CALLS.values(), ids=END_CALLS)
def test_end_calls_are_withheld_and_counted(calls: bytes) -> None:
    frames, end = read(chunk({"role": "assistant", "content": "Well."}) + calls + FINISH)
    assert passed(frames) == chunk({"role": "assistant", "content": "Well."})
    assert end.reply is not None
    assert (end.reply.end_calls, end.reply.other_calls) == (1, False)
    assert end.round is not None
    message = json.loads(end.round[0])
    assert end.round[1] == "c1"
    assert message["content"] == "Well."
    assert message["tool_calls"][0]["function"] == {"name": TOOL, "arguments": "{}"}
    assert b"stop" in end.last[0].raw
    assert b"tool_calls" not in end.last[0].raw


NOT_COUNTED = {
    "arguments cut": tool_chunk(call(0, TOOL, '{"a"', id="c")) + FINISH,
    "arguments no object": tool_chunk(call(0, TOOL, "[]", id="c")) + FINISH,
    "twice": tool_chunk(call(0, TOOL, "{}"), call(1, TOOL, "{}")) + FINISH,
    "finished for length": tool_chunk(call(0, TOOL, "{}")) + chunk({}, "length") + DONE,
    "name goes on": tool_chunk(call(0, TOOL, "{}")) + tool_chunk(call(0, "_x")) + FINISH,
    "another name": tool_chunk(call(0, "other", "{}")) + FINISH,
    "only a beginning": tool_chunk(call(0, "end_", "{}")) + FINISH,
}


@pytest.mark.parametrize("data", NOT_COUNTED.values(), ids=NOT_COUNTED)
def test_what_does_not_count(data: bytes) -> None:
    _, end = read(data)
    assert end.reply is not None
    assert end.reply.end_calls == 0
    assert end.round is None


def test_the_client_s_calls_pass_and_ours_do_not() -> None:
    both = tool_chunk(call(0, "weather", "{}", id="w"), call(1, TOOL, "{}", id="e"), content="Hm.")
    frames, end = read(both + FINISH)
    body = json.loads(passed(frames)[6:])
    assert body["choices"][0]["delta"]["tool_calls"] == [call(0, "weather", "{}", id="w")]
    assert body["choices"][0]["delta"]["content"] == "Hm."
    assert end.reply is not None
    assert end.reply.other_calls
    assert b"tool_calls" in end.last[0].raw


def test_a_call_that_turns_out_to_be_the_client_s_is_given_back() -> None:
    pieces = [call(0, "end_", "", id="w"), call(0, "of_day", "{}")]
    frames, end = read(b"".join(map(tool_chunk, pieces)) + FINISH)
    events = SseDecoder().feed(passed(frames))
    deltas = [json.loads(event.data or b"")["choices"][0]["delta"] for event in events]
    assert [delta["tool_calls"] for delta in deltas] == [[pieces[0]], [pieces[1]]]
    assert end.reply is not None
    assert end.reply.other_calls


def test_calls_that_share_an_index_are_told_apart() -> None:
    weather = tool_chunk(call(0, "weather", "{}"))
    data = weather + tool_chunk(call(0, TOOL, "{}")) + FINISH
    frames, end = read(data)
    assert passed(frames) == weather
    assert end.reply is not None
    assert (end.reply.end_calls, end.reply.other_calls) == (0, True)


def test_without_a_tool_everything_passes() -> None:
    data = tool_chunk(call(0, TOOL, "{}")) + FINISH
    frames, end = read(data, None)
    assert passed(frames) + b"".join(f.raw for f in end.last) == data


def test_another_round_goes_on_as_the_same_reply() -> None:
    template = Template({"id": "first", "created": 7, "model": "m"})
    data = b"".join(stream("And so on.").pieces)
    frames, end = read(data, template=template)
    chunks = [json.loads(frame.raw[6:]) for frame in frames if frame.kind is FrameKind.PASS]
    assert {one["id"] for one in chunks} == {"first"}
    assert not any("role" in one["choices"][0]["delta"] for one in chunks)
    assert json.loads(end.last[0].raw[6:])["id"] == "first"
    usage = b'data: {"id":"x","choices":[],"usage":{}}\n\n'
    frames, _ = read(usage + data, template=template)
    assert json.loads(frames[0].raw[6:])["id"] == "first"
    odd = b'data: {"id":"x","choices":[{"index":0,"delta":null}]}\n\n'
    frames, _ = read(odd + data, template=template)
    assert b'"role"' not in passed(frames)


CUTS = {
    "no end": chunk({"content": "a"}),
    "nothing": b"",
    "only done": DONE,
    "half an event": chunk({"content": "a"}) + chunk({}, "stop") + b"data: {",
    "not json": chunk({"content": "a"}) + b"data: {nope\n\n" + DONE,
    "not an object": b"data: 7\n\n" + FINISH,
    "an error": chunk({"content": "a"}) + b'data: {"error":{"message":"x"}}\n\n' + DONE,
    "too deep": b"data: " + b"[" * 99_999 + b"\n\n" + FINISH,
}


@pytest.mark.parametrize("data", CUTS.values(), ids=CUTS)
def test_cut_streams(data: bytes) -> None:
    frames, end = read(data, cuts=[len(data) // 2])
    assert end.reply is None
    assert end.cut.startswith("the model's server")
    seen = b"".join(f.raw for f in frames if f.kind in (FrameKind.PASS, FrameKind.ERROR))
    assert data.startswith(seen)


def test_an_event_without_end_is_cut() -> None:
    reader = StreamReader(TOOL)
    assert reader.feed(b"data: " + b"x" * (33 * 1024 * 1024)) == []
    assert reader.feed(b"more") == []
    assert "more than" in reader.end().cut


HOSTILE: list[Any] = [
    {}, {"choices": None}, {"choices": 7}, {"choices": [7]}, {"choices": [{}]},
    {"choices": [{"delta": None}]}, {"choices": [{"delta": []}]},
    {"choices": [{"delta": {"tool_calls": 7}}]}, {"choices": [{"delta": {"tool_calls": [7]}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": "x", "function": 7, "id": 7}]}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": -1, "function": {"name": 7}}]}}]},
    {"choices": [{"index": 10**9, "delta": {"content": ["x"]}, "finish_reason": 7}]},
    {"choices": [{"delta": {"content": 7, "refusal": {}}}]},
]  # fmt: skip


@pytest.mark.parametrize("odd", HOSTILE, ids=str)
def test_odd_chunks_do_no_harm(odd: Any) -> None:
    data = b"data: " + json.dumps(odd).encode() + b"\n\n"
    _, end = read(chunk({"content": "a"}) + data + chunk({}, "stop") + DONE)
    if end.reply is not None:
        assert end.reply.texts == ("a",)
        assert not end.reply.end_calls


NAMES = (
    "choices", "delta", "tool_calls", "function", "name", "arguments", "index", "id", "content",
    "finish_reason", "error", "usage", "refusal", "function_call", TOOL,
)  # fmt: skip


@settings(max_examples=300)
@given(odds(*NAMES))
def test_hostile_chunks_never_raise(odd: Odd) -> None:
    chunks = odd.some(6, lambda: odd.value(5))
    data = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks)
    read(data + (FINISH if odd.flag() else b""), TOOL if odd.flag() else None)


PARTS = st.sampled_from(
    [chunk({"role": "assistant", "content": ""}), chunk({"content": "hé"}), b": ping\n\n",
     *END_CALLS.values(), tool_chunk(call(0, "weather", "{}")), chunk({"content": "x"}, "stop"),
     FINISH, DONE, chunk({"refusal": "no"})]
)  # fmt: skip


@given(st.lists(PARTS, max_size=8), st.lists(st.integers(0, 3000), max_size=6))
def test_any_cutting_gives_the_same_reply(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    frames, end = read(data)
    again, same = read(data, cuts=cuts)
    assert passed(again) == passed(frames)
    assert same == end
    assert TOOL.encode() not in passed(frames)


# -- made here ------------------------------------------------------------------------------------


def chunks_of(frames: list[bytes]) -> list[ChatCompletionChunk]:
    events = SseDecoder().feed(b"".join(frames))
    bodies = [event.data for event in events if event.data not in (None, b"[DONE]")]
    return [ChatCompletionChunk.model_validate_json(body or b"") for body in bodies]


def test_our_own_stream_is_read_by_the_sdk() -> None:
    frames = reply_frames(new_template("ab" * 32, "m", 7), "Hi.", {"decision": "end"})
    assert frames[-1] == DONE
    made = chunks_of(frames)
    assert "".join(one.choices[0].delta.content or "" for one in made) == "Hi."
    assert made[-1].choices[0].finish_reason == "stop"
    assert made[-1].model_extra == {"adjourn": {"decision": "end"}}
    assert made[0].id == "chatcmpl-adjourn-" + "ab" * 12


def test_words_and_an_end_are_added_to_a_stream() -> None:
    reader = StreamReader(TOOL)
    _, end = feed(reader, b"".join(stream("Hi.").pieces))
    template = reader.template
    assert template is not None
    assert template.fields["id"] == "chatcmpl-1"
    frames = [text_frame(template, "More.", 1), *finish_frames(template, {"x": 1}, end.last)]
    made = chunks_of(frames)
    assert made[0].choices[0].index == 1
    assert made[-1].model_extra == {"adjourn": {"x": 1}}
    assert finish_frames(template, None, end.last) == [frame.raw for frame in end.last]
    assert len(chunks_of(finish_frames(template, None, choices=2))[0].choices) == 2


def test_an_error_ends_a_stream() -> None:
    frame = error_frame("It broke.", code="c", type="t")
    assert json.loads(frame[6:])["error"]["message"] == "It broke."
