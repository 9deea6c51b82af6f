"""Replies of Anthropic Messages, whole and streamed: what passes, what waits, what is added."""

import json
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from adjourn.wire.anthropic_blocks import Block
from adjourn.wire.anthropic_messages import Messages
from adjourn.wire.anthropic_outlet import MessageOutlet
from adjourn.wire.anthropic_request import parse_request
from adjourn.wire.anthropic_stream import MessageReader
from adjourn.wire.dialect import Frame, FrameKind, StreamEnd
from adjourn.wire.sse import SseDecoder
from tests.gateway.anthropic_server import START, blocks_of, event, message, pieces_of
from tests.odd import Odd, odds

from .feeding import feed, passed

TOOL = "end_conversation"
END = ("end_conversation", "{}")
DIALECT = Messages()
REQUEST = parse_request(b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}')
EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def read(
    pieces: list[bytes], reader: MessageReader | None = None, cuts: list[int] | None = None
) -> tuple[list[Frame], StreamEnd]:
    return feed(reader or MessageReader(TOOL), b"".join(pieces), cuts)


def events_of(data: bytes) -> list[dict[str, Any]]:
    found = [json.loads(one.data) for one in SseDecoder().feed(data) if one.data]
    kept = [one for one in found if one["type"] != "ping"]
    for one in kept:
        EVENTS.validate_python(one)
    return kept


def said(events: list[dict[str, Any]]) -> list[str]:
    """Texts of the blocks, if the events are in an order that the API knows."""
    texts: list[str] = []
    state = "new"
    for one in events:
        match one["type"]:
            case "message_start":
                assert state == "new"
                state = "begun"
            case "content_block_start":
                assert (state, one["index"]) == ("begun", len(texts))
                texts.append(one["content_block"].get("text", ""))
                state = "open"
            case "content_block_delta":
                assert (state, one["index"]) == ("open", len(texts) - 1)
                texts[-1] += one["delta"].get("text", "")
            case "content_block_stop":
                assert (state, one["index"]) == ("open", len(texts) - 1)
                state = "begun"
            case "message_delta":
                assert state == "begun"
                state = "ended"
            case "message_stop":
                assert state == "ended"
                state = "over"
    assert state == "over"
    return texts


THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "abc"}


def test_an_ordinary_stream_passes_as_it_came() -> None:
    pieces = pieces_of([THINKING, *blocks_of("Hello there.")])
    frames, end = read([b": hello\n\n", *pieces])
    assert passed(frames) + b"".join(f.raw for f in end.last) == b": hello\n\n" + b"".join(pieces)
    assert end.reply is not None
    assert end.reply.texts == ("Hello there.",)
    assert (end.reply.end_calls, end.reply.other_calls, end.round) == (0, False, None)
    assert "".join(text for frame in frames for _, text in frame.texts) == "Hello there."


@given(st.lists(st.integers(0, 5000), max_size=8))
def test_any_cutting_gives_the_same_reply(cuts: list[int]) -> None:
    pieces = pieces_of([THINKING, *blocks_of("Well, well.", [END])], "tool_use")
    whole, end = read(pieces)
    parted, again = read(pieces, cuts=cuts)
    assert passed(parted) == passed(whole)
    assert again == end


def test_an_end_call_is_withheld_and_can_be_answered() -> None:
    pieces = pieces_of([THINKING, *blocks_of("Well.", [END])], "tool_use")
    frames, end = read(pieces)
    assert TOOL.encode() not in passed(frames)
    assert end.reply is not None
    assert (end.reply.end_calls, end.reply.other_calls) == (1, False)
    assert end.round is not None
    made = json.loads(end.round[0])
    assert (made["role"], end.round[1]) == ("assistant", "toolu_0")
    assert made["content"][0] == THINKING
    assert made["content"][2]["input"] == {}
    assert b"end_turn" in end.last[0].raw
    whole = DIALECT.read_reply(message("Well.", calls=[END]).pieces[0], TOOL)
    assert whole.round is not None
    assert json.loads(whole.round[0])["content"] == made["content"][1:]


EMPTY = {"type": "text", "text": ""}
CALL = {"type": "tool_use", "id": "t", "name": TOOL, "input": {}}


def test_a_call_without_an_id_gets_one_and_empty_texts_go() -> None:
    _, end = read(pieces_of([EMPTY, {**CALL, "id": None}], "tool_use"))
    assert end.round is not None
    assert end.round[1] == "toolu_adjourn"
    assert [block["type"] for block in json.loads(end.round[0])["content"]] == ["tool_use"]


@pytest.mark.parametrize(
    ("blocks", "stop"),
    [
        (blocks_of("", [END, END]), "tool_use"),
        (blocks_of("", [END]), "max_tokens"),
        (blocks_of("", [END, ("weather", "{}")]), "tool_use"),
        ([{**CALL, "input": [1]}], "tool_use"),
        (blocks_of("", [("end", "{}")]), "tool_use"),
    ],
    ids=["twice", "cut short", "beside another", "no object", "another name"],
)
def test_what_does_not_count(blocks: list[dict[str, Any]], stop: str) -> None:
    _, end = read(pieces_of(blocks, stop))
    assert end.reply is not None
    assert end.reply.end_calls == 0
    assert end.round is None


def test_a_call_whose_input_is_broken_does_not_count() -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": CALL}
    delta = {"type": "input_json_delta", "partial_json": '{"a'}
    grows = {"type": "content_block_delta", "index": 0, "delta": delta}
    _, end = read([event(START), event(start), event(grows), *pieces_of([], "tool_use")[2:]])
    assert end.reply is not None
    assert end.reply.end_calls == 0


def test_the_client_s_blocks_move_up() -> None:
    blocks = [*blocks_of("", [END]), *blocks_of("Then this.", [("weather", '{"city": "Ulm"}')])]
    frames, end = read(pieces_of(blocks, "tool_use"))
    assert end.reply is not None
    assert end.reply.other_calls
    events = events_of(passed(frames) + b"".join(frame.raw for frame in end.last))
    assert said(events) == ["Then this.", ""]
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_without_a_tool_everything_passes() -> None:
    pieces = pieces_of(blocks_of("Well.", [END]), "tool_use")
    frames, end = read(pieces, MessageReader(None))
    assert passed(frames) + b"".join(frame.raw for frame in end.last) == b"".join(pieces)
    assert end.reply is not None
    assert end.reply.other_calls


WHOLE = pieces_of(blocks_of("One two."))


@pytest.mark.parametrize("kept", range(len(WHOLE) - 2))
def test_cut_streams(kept: int) -> None:
    frames, end = read(WHOLE[:kept])
    assert end.reply is None
    assert "before the reply was finished" in end.cut
    assert b"".join(WHOLE[:kept]).startswith(passed(frames))


def test_a_stream_without_its_last_event_is_whole() -> None:
    frames, end = read(WHOLE[:-1])
    assert end.reply is not None
    outlet = MessageOutlet(REQUEST)
    for frame in frames:
        outlet.wrote(frame)
    data = passed(frames) + outlet.finish("0", None, end.last)
    assert said(events_of(data)) == ["One two."]


def test_an_error_in_a_stream_cuts_it() -> None:
    error = event({"type": "error", "error": {"type": "overloaded_error", "message": "x"}})
    frames, end = read([*WHOLE[:4], error, b"event: more\n"])
    assert frames[-1] == Frame(error, FrameKind.ERROR)
    assert end.reply is None
    assert "error" in end.cut


def test_odd_blocks_pass_as_they_came() -> None:
    odd = [
        event({"type": "content_block_start", "index": "x", "content_block": EMPTY}),
        event({"type": "content_block_start", "index": 0, "content_block": 7}),
        event({"type": "content_block_delta", "index": 0, "delta": {}}),
        event({"type": "content_block_delta", "index": 0, "delta": 7}),
        event({"type": "new"}),
    ]
    frames, end = read([*odd, *pieces_of(blocks_of("Hi.")), event({"type": "message_delta"})])
    assert end.reply is not None
    assert passed(frames).startswith(b"".join(odd))


@pytest.mark.parametrize("odd", [b"data: nonsense\n\n", b"data: [1]\n\n", b"data: {"])
def test_what_cannot_be_read_cuts(odd: bytes) -> None:
    frames, end = read([*WHOLE[:3], odd])
    assert end.reply is None
    assert passed(frames) == b"".join(WHOLE[:3])


KINDS = (
    "message_start", "content_block_start", "content_block_delta", "content_block_stop",
    "message_delta", "message_stop", "ping", "error", "new",
)  # fmt: skip
NAMES = (
    "type", "index", "delta", "content_block", "text", "name", "input", "stop_reason",
    "partial_json", "message", TOOL,
)  # fmt: skip


@settings(max_examples=200)
@given(odds(*NAMES))
def test_hostile_events_never_raise(odd: Odd) -> None:
    reader, outlet = MessageReader(TOOL), MessageOutlet(REQUEST)
    for _ in range(odd.below(9)):
        kind, block, delta = odd.pick(KINDS), odd.value(), odd.value()
        one = {**odd.fields(), "index": 0, "content_block": block, "delta": delta, "type": kind}
        for frame in reader.feed(event(one)):
            if frame.kind is FrameKind.PASS:
                outlet.wrote(frame)
    end = reader.end()
    outlet.finish("0", {"decision": "end"}, end.last)


def test_odd_deltas_add_nothing() -> None:
    block = Block({"type": 7})
    assert block.kind == ""
    assert Block(EMPTY).kind == "text"
    assert block.add({"type": "text_delta", "text": 7}) == ""
    assert block.add({"type": ["odd"]}) == ""
    assert block.add({"type": "input_json_delta", "partial_json": 7}) == ""
    assert block.whole() == {"type": 7}


# -- the client's side ----------------------------------------------------------------------------


def test_a_reply_of_our_own() -> None:
    outlet = DIALECT.outlet(REQUEST, 7)
    events = events_of(outlet.reply("Bye.", "ab" * 32, {"decision": "end"}))
    assert said(events) == ["Bye."]
    assert events[0]["message"]["id"] == "msg_adjourn_" + "ab" * 12
    assert events[0]["message"]["adjourn"] == {"decision": "end"}
    assert events[-2]["adjourn"] == {"decision": "end"}
    plain = events_of(DIALECT.outlet(REQUEST, 7).reply("Bye.", "0", None))
    assert "adjourn" not in json.dumps(plain[0]["message"].get("adjourn", ""))
    whole = json.loads(DIALECT.write_reply(REQUEST, "Bye.", "0", 7, {"decision": "end"}))
    assert Message.model_validate(whole).content[0].type == "text"
    assert whole["adjourn"] == {"decision": "end"}
    assert "adjourn" not in json.loads(DIALECT.write_reply(REQUEST, "Bye.", "0", 7, None))


@given(st.integers(0, len(WHOLE) - 2), st.booleans())
def test_words_can_be_added_at_any_point(kept: int, goes_on: bool) -> None:
    outlet = MessageOutlet(REQUEST)
    reader = outlet.reader(TOOL)
    frames, end = read(WHOLE, reader)
    data = b""
    for frame in frames[: kept if not goes_on else len(frames)]:
        data += frame.raw
        outlet.wrote(frame)
    data += outlet.words("\n\nMore.", "0")
    data += outlet.finish("0", {"x": 1}, end.last if goes_on else ())
    events = events_of(data)
    texts = said(events)
    assert "".join(texts).endswith("More.")
    assert events[-2]["adjourn"] == {"x": 1}
    if goes_on:
        assert "".join(texts) == "One two.\n\nMore."
        assert events[-2]["usage"] == {"output_tokens": 7}


def test_words_do_not_go_into_a_block_of_another_kind() -> None:
    outlet = MessageOutlet(REQUEST)
    frames, _ = read(pieces_of([THINKING]), outlet.reader(None))
    data = b""
    for frame in frames[:4]:  # begun, a ping, the block, a piece of it
        data += frame.raw
        outlet.wrote(frame)
    events = events_of(data + outlet.words("Stop.", "0") + outlet.finish("0", None))
    assert said(events) == ["", "Stop."]


@pytest.mark.parametrize("dropped", [False, True])
def test_rounds_make_one_message(dropped: bool) -> None:
    outlet = MessageOutlet(REQUEST)
    data = b""
    for call, drop in (([END], False), ([], dropped)):
        blocks = blocks_of("One." if call else "Two.", call)
        reader = outlet.reader(TOOL, dropped=drop)
        frames, end = read(pieces_of(blocks, "tool_use" if call else "end_turn"), reader)
        if call and dropped:
            continue
        for frame in frames:
            if frame.kind is FrameKind.PASS:
                data += frame.raw
                outlet.wrote(frame)
    events = events_of(data + outlet.finish("0", None, end.last))
    assert said(events) == (["Two."] if dropped else ["One.", "Two."])


# -- whole replies --------------------------------------------------------------------------------


def finished(body: bytes, **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"added": "", "extension": None, "strip_tool": TOOL, **options}
    return json.loads(DIALECT.finish_reply(body, **given))  # type: ignore[no-any-return]


def test_nothing_added_is_the_model_s_own_bytes() -> None:
    body = message("Well.").pieces[0]
    assert DIALECT.finish_reply(body, added="", extension=None, strip_tool=TOOL) is body


def test_words_are_added_before_calls() -> None:
    body = message("Well.", calls=[("weather", "{}")]).pieces[0]
    reply = finished(body, added="More.", extension={"x": 1})
    assert [block["type"] for block in reply["content"]] == ["text", "text", "tool_use"]
    assert reply["content"][1]["text"] == "\n\nMore."
    assert (reply["adjourn"], reply["stop_reason"]) == ({"x": 1}, "tool_use")
    assert finished(message("").pieces[0], added="More.")["content"][0]["text"] == "More."


def test_an_end_call_is_taken_out_and_earlier_words_come_first() -> None:
    reply = finished(message("Well.", calls=[END]).pieces[0], before=("Before. ",))
    assert [block["text"] for block in reply["content"]] == ["Before. ", "Well."]
    assert reply["stop_reason"] == "end_turn"
    both = finished(message("", calls=[END, ("weather", "{}")]).pieces[0])
    assert both["stop_reason"] == "tool_use"
    untouched = finished(message("", calls=[END]).pieces[0], strip_tool=None)
    assert untouched["content"][0]["name"] == TOOL


def test_a_reply_can_be_replaced() -> None:
    body = message("Well.", calls=[("weather", "{}")]).pieces[0]
    reply = finished(body, added="No.", instead=True)
    assert (reply["content"], reply["stop_reason"]) == (
        [{"type": "text", "text": "No."}],
        "end_turn",
    )


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b'{"content": "x"}', b'{"content": [1]}'])
def test_replies_that_cannot_be_read(body: bytes) -> None:
    whole = DIALECT.read_reply(body, TOOL)
    assert whole.reply is None
    assert "cannot be read" in whole.cut


def test_errors_have_the_form_of_the_dialect() -> None:
    body = DIALECT.error_body("No.", type="t", code="c", param="p", extension={"x": 1})
    error = {"type": "t", "message": "No.", "code": "c", "param": "p"}
    assert json.loads(body) == {"type": "error", "error": error, "adjourn": {"x": 1}}
    frame = DIALECT.error_frame("No.", code="c", type="t")
    assert frame.startswith(b"event: error\ndata: {")
    assert frame.endswith(b"}\n\n")
