"""Replies of OpenAI Responses, whole and streamed: what passes, what waits, what is added."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from adjourn.wire.dialect import Frame, FrameKind, StreamEnd
from adjourn.wire.openai_responses import Responses
from adjourn.wire.responses_outlet import ResponseOutlet
from adjourn.wire.responses_request import parse_request
from adjourn.wire.responses_stream import ResponseReader
from adjourn.wire.sse import SseDecoder
from tests.gateway.responses_server import (
    REASONING,
    event,
    items_of,
    pieces_of,
    response,
    whole,
)
from tests.odd import Odd, odds

from .feeding import feed, passed

TOOL = "end_conversation"
END = ("end_conversation", "{}")
WEATHER = ("weather", '{"city": "Ulm"}')
DIALECT = Responses()
REQUEST = parse_request(b'{"model": "m", "input": "hi"}')
EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def read(
    pieces: list[bytes], reader: ResponseReader | None = None, cuts: list[int] | None = None
) -> tuple[list[Frame], StreamEnd]:
    return feed(reader or ResponseReader(TOOL), b"".join(pieces), cuts)


def raws(frames: tuple[Frame, ...]) -> bytes:
    return b"".join(frame.raw for frame in frames)


def told(frames: list[Frame], outlet: ResponseOutlet) -> bytes:
    """What the client gets of these frames."""
    for frame in frames:
        if frame.kind is FrameKind.PASS:
            outlet.wrote(frame)
    return passed(frames)


def events_of(data: bytes) -> list[dict[str, Any]]:
    found = [json.loads(one.data) for one in SseDecoder().feed(data) if one.data]
    for one in found:
        EVENTS.validate_python(one)
    return found


def said(events: list[dict[str, Any]]) -> list[str]:
    """Texts of the items, if the events are in an order that the API knows.

    What the deltas say, what each item says when done and what the last event says is the same.
    """
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert events[0]["type"] == "response.created"
    texts: list[str] = []
    done: list[dict[str, Any]] = []
    part: int | None = None
    for one in events:
        kind, index = one["type"], one.get("output_index")
        if kind == "response.output_item.added":
            assert index == len(texts) == len(done)
            texts.append("")
        elif kind == "response.output_item.done":
            assert (index, part) == (len(done), None)
            done.append(one["item"])
            assert texts[-1] == "".join(map(words, one["item"].get("content", ())))
        elif kind == "response.content_part.added":
            assert part is None
            part = one["content_index"]
        elif kind == "response.content_part.done":
            assert part == one["content_index"]
            part = None
        elif kind in ("response.output_text.delta", "response.refusal.delta"):
            assert (index, one["content_index"]) == (len(texts) - 1, part)
            texts[-1] += one["delta"]
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete")
    assert last["response"]["id"] == events[0]["response"]["id"]
    assert last["response"]["output"] == done
    Response.model_validate(last["response"])
    return texts


def words(part: dict[str, Any]) -> str:
    return str(part["refusal"] if part["type"] == "refusal" else part["text"])


def test_an_ordinary_stream_passes_as_it_came() -> None:
    pieces = pieces_of([REASONING, *items_of("Hello there.")])
    frames, end = read([b": hello\n\n", *pieces])
    assert passed(frames) + raws(end.last) == b": hello\n\n" + b"".join(pieces)
    assert end.reply is not None
    assert end.reply.texts == ("Hello there.",)
    assert (end.reply.end_calls, end.reply.other_calls, end.round) == (0, False, None)
    assert "".join(text for frame in frames for _, text in frame.texts) == "Hello there."
    assert said(events_of(b"".join(pieces))) == ["", "Hello there."]
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(pieces, outlet.reader(TOOL))
    assert told(frames, outlet) + outlet.finish("0", None, end.last) == b"".join(pieces)


def test_what_is_no_text_may_stand_between() -> None:
    pieces = pieces_of(items_of("Hi."))
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    note = {"type": "response.output_text.annotation.added", **place, "annotation": {}}
    audio = {"type": "response.content_part.added", **place, "part": {"type": "reasoning_text"}}
    pieces[3:3] = [b": still here\n\n", event(note), event(audio)]
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(pieces, outlet.reader(TOOL))
    assert told(frames, outlet) + outlet.finish("0", None, end.last) == b"".join(pieces)


def test_a_last_line_of_some_servers_is_kept_back() -> None:
    pieces = [*pieces_of(items_of("Hi.")), b"data: [DONE]\n\n"]
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(pieces, outlet.reader(TOOL))
    assert raws(end.last).endswith(pieces[-2] + pieces[-1])
    data = told(frames, outlet) + outlet.finish("0", {"x": 1}, end.last)
    assert data.endswith(b"data: [DONE]\n\n")
    assert b'"adjourn":{"x":1}' in data


@given(st.lists(st.integers(0, 9000), max_size=8))
def test_any_cutting_gives_the_same_reply(cuts: list[int]) -> None:
    pieces = pieces_of([REASONING, *items_of("Well, well.", [END])])
    whole_frames, end = read(pieces)
    parted, again = read(pieces, cuts=cuts)
    assert passed(parted) == passed(whole_frames)
    assert again == end


def test_byte_by_byte_is_the_same() -> None:
    pieces = pieces_of([REASONING, *items_of("Well, well.", [END])])
    size = len(b"".join(pieces))
    assert read(pieces, cuts=list(range(size))) == read(pieces)


def test_an_end_call_is_withheld_and_can_be_answered() -> None:
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(pieces_of([REASONING, *items_of("Well.", [END])]), outlet.reader(TOOL))
    assert TOOL.encode() not in passed(frames)
    assert end.reply is not None
    assert (end.reply.texts, end.reply.end_calls, end.reply.other_calls) == (("Well.",), 1, False)
    assert end.round is not None
    made = json.loads(end.round[0])
    assert ([item["type"] for item in made], end.round[1]) == (
        ["reasoning", "message", "function_call"],
        "call_0",
    )
    data = told(frames, outlet) + outlet.finish("0", None, end.last)
    assert TOOL.encode() not in data
    assert said(events_of(data)) == ["", "Well."]
    body = json.dumps(response([REASONING, *items_of("Well.", [END])])).encode()
    assert DIALECT.read_reply(body, TOOL).round == end.round


def test_a_call_without_an_id_gets_one() -> None:
    (call,) = items_of("", [END])
    _, end = read(pieces_of([{**call, "call_id": ""}]))
    assert end.round is not None
    assert end.round[1] == json.loads(end.round[0])[0]["call_id"] == "call_adjourn"


@pytest.mark.parametrize(
    ("items", "status"),
    [
        (items_of("", [END, END]), "completed"),
        (items_of("", [END]), "incomplete"),
        (items_of("", [END, WEATHER]), "completed"),
        (items_of("", [("end_conversation", "[1]")]), "completed"),
        (items_of("", [("end_conversation", '{"a')]), "completed"),
        (items_of("", [("end", "{}")]), "completed"),
        ([*items_of("", [END]), {"id": "m", "type": "mcp_approval_request"}], "completed"),
    ],
    ids=["twice", "cut short", "beside another", "no object", "broken", "another name", "asks"],
)
def test_what_does_not_count(items: list[dict[str, Any]], status: str) -> None:
    _, end = read(pieces_of(items, status))
    assert end.reply is not None
    assert end.reply.end_calls == 0
    assert end.round is None


def test_calls_that_the_server_makes_itself_are_no_calls() -> None:
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    reply = DIALECT.read_reply(whole([search, *items_of("Found.")]).pieces[0], TOOL).reply
    assert reply is not None
    assert (reply.texts, reply.other_calls) == (("Found.",), False)


def test_the_client_s_items_move_up() -> None:
    items = [*items_of("", [END]), *items_of("Then this.", [WEATHER])]
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(pieces_of(items), outlet.reader(TOOL))
    assert end.reply is not None
    assert end.reply.other_calls
    events = events_of(told(frames, outlet) + outlet.finish("0", None, end.last))
    assert said(events) == ["Then this.", ""]
    assert [item["type"] for item in events[-1]["response"]["output"]] == [
        "message",
        "function_call",
    ]


def test_without_a_tool_everything_passes() -> None:
    pieces = pieces_of(items_of("Well.", [END]))
    frames, end = read(pieces, ResponseReader(None))
    assert passed(frames) + raws(end.last) == b"".join(pieces)
    assert end.reply is not None
    assert end.reply.other_calls


WHOLE = pieces_of([REASONING, *items_of("One two.")])


@pytest.mark.parametrize("kept", range(len(WHOLE)))
def test_cut_streams(kept: int) -> None:
    frames, end = read(WHOLE[:kept])
    assert end.reply is None
    assert "before the reply was finished" in end.cut
    assert b"".join(WHOLE[:kept]).startswith(passed(frames))


@pytest.mark.parametrize(
    "body",
    [
        {"type": "error", "code": "server_error", "message": "x", "param": None},
        {"type": "response.failed", "response": response([], "failed")},
    ],
)
def test_an_error_in_a_stream_cuts_it(body: dict[str, Any]) -> None:
    frames, end = read([*WHOLE[:4], event(body), b"event: more\n"])
    assert frames[-1] == Frame(event(body), FrameKind.ERROR)
    assert end.reply is None
    assert "error" in end.cut


def test_what_comes_after_the_end_passes() -> None:
    pieces, late = pieces_of(items_of("Hi.")), event({"type": "new"})
    frames, end = read([*pieces, late])
    assert frames[-1].raw == late
    assert end.reply is not None
    assert raws(end.last).endswith(pieces[-1])


def test_an_error_of_another_form_cuts_too() -> None:
    raw = b'data: {"error": {"message": "x"}}\n\n'
    frames, _ = read([*WHOLE[:4], raw])
    assert frames[-1] == Frame(raw, FrameKind.ERROR)


def test_what_the_end_does_not_repeat_is_taken_from_the_items() -> None:
    pieces = pieces_of(items_of("Hi there."))
    bare = {"type": "response.completed", "response": {**response([]), "status": None}}
    pieces[-1] = event({**bare, "sequence_number": len(pieces) - 1})
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(pieces, outlet.reader(TOOL))
    assert end.reply is not None
    assert end.reply.texts == ("Hi there.",)
    data = told(frames, outlet) + outlet.words("More.", "0") + outlet.finish("0", None, end.last)
    (item,) = json.loads(data.splitlines()[-2][6:])["response"]["output"]
    assert item["content"][0]["text"] == "Hi there.More."


def test_odd_events_pass_as_they_came() -> None:
    odd = [
        event({"type": "response.output_item.added", "output_index": "x", "item": {}}),
        event({"type": "response.output_item.added", "output_index": 0, "item": 7}),
        event({"type": "response.output_item.done", "output_index": 0, "item": 7}),
        event({"type": "response.output_text.delta", "output_index": 0, "delta": 7}),
        event({"type": "response.completed", "response": 7}),
        event({"type": "new"}),
        b'data: {"odd": 1}\n\n',
    ]
    frames, end = read([*odd, *pieces_of(items_of("Hi."))])
    assert end.reply is not None
    assert passed(frames).startswith(b"".join(odd))


@pytest.mark.parametrize("odd", [b"data: nonsense\n\n", b"data: [1]\n\n", b"data: {"])
def test_what_cannot_be_read_cuts(odd: bytes) -> None:
    frames, end = read([*WHOLE[:3], odd])
    assert end.reply is None
    assert passed(frames) == b"".join(WHOLE[:3])


KINDS = (
    "response.created", "response.in_progress", "response.output_item.added",
    "response.output_item.done", "response.content_part.added", "response.output_text.delta",
    "response.refusal.delta", "response.content_part.done", "response.completed",
    "response.incomplete", "response.failed", "error", "new",
)  # fmt: skip
NAMES = (
    "type", "content", "text", "name", "arguments", "id", "output", "status", "message",
    "function_call", "output_text", "completed", TOOL,
)  # fmt: skip
FIELDS = (
    "item", "output_index", "content_index", "sequence_number", "part", "delta", "response",
)  # fmt: skip


@settings(max_examples=200)
@given(odds(*NAMES))
def test_hostile_events_never_raise(odd: Odd) -> None:
    outlet = ResponseOutlet(REQUEST, 7)
    reader = outlet.reader(TOOL)
    if odd.flag():
        told(read(pieces_of(items_of("One.", [END])), reader)[0], outlet)
        reader = outlet.reader(TOOL)
    for _ in range(odd.below(9)):
        body = dict(odd.some(5, lambda: (odd.pick(FIELDS), odd.value())))
        told(reader.feed(event({**body, "type": odd.pick(KINDS)})), outlet)
    end = reader.end()
    outlet.words("More.", "0")
    outlet.finish("0", {"decision": "end"}, end.last)


# -- the client's side ----------------------------------------------------------------------------


def test_a_reply_of_our_own() -> None:
    outlet = DIALECT.outlet(REQUEST, 7)
    events = events_of(outlet.reply("Bye.", "ab" * 32, {"decision": "end"}))
    assert said(events) == ["Bye."]
    assert events[0]["response"]["id"] == "resp_adjourn_" + "ab" * 12
    assert events[-1]["response"]["adjourn"] == {"decision": "end"}
    assert (events[-1]["response"]["model"], events[-1]["response"]["created_at"]) == ("m", 7)
    plain = events_of(DIALECT.outlet(REQUEST, 7).reply("Bye.", "0", None))
    assert "adjourn" not in plain[-1]["response"]
    made = json.loads(DIALECT.write_reply(REQUEST, "Bye.", "0", 7, {"decision": "end"}))
    assert Response.model_validate(made).output_text == "Bye."
    assert made["adjourn"] == {"decision": "end"}
    assert "adjourn" not in json.loads(DIALECT.write_reply(REQUEST, "Bye.", "0", 7, None))


@pytest.mark.parametrize("kept", range(len(WHOLE)))
def test_words_can_be_added_at_any_point(kept: int) -> None:
    outlet = ResponseOutlet(REQUEST, 7)
    frames, _ = read(WHOLE, outlet.reader(TOOL))
    data = told(frames[:kept], outlet)
    data += outlet.words("\n\nMore.", "0") + outlet.finish("0", {"x": 1})
    events = events_of(data)
    assert "".join(said(events)).endswith("More.")
    assert events[-1]["response"]["adjourn"] == {"x": 1}


def test_words_are_added_after_the_model_s_own() -> None:
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(WHOLE, outlet.reader(TOOL))
    data = told(frames, outlet) + outlet.words("\n\nMore.", "0")
    events = events_of(data + outlet.finish("0", {"x": 1}, end.last))
    assert said(events) == ["", "One two.\n\nMore."]
    last = events[-1]["response"]
    assert (last["adjourn"], last["usage"]["output_tokens"], last["x_unknown"]) == (
        {"x": 1}, 7, {"kept": 1.0},
    )  # fmt: skip


def test_a_refusal_that_was_cut_is_finished_first() -> None:
    (item,) = items_of("x")
    pieces = pieces_of([{**item, "content": [{"type": "refusal", "refusal": "I will not."}]}])
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(pieces, outlet.reader(TOOL))
    assert end.reply is not None
    assert end.reply.texts == ("I will not.",)
    data = told(frames[:6], outlet)
    events = events_of(data + outlet.words("More.", "0") + outlet.finish("0", None))
    assert said(events) == ["I will More."]
    kinds = [part["type"] for part in events[-1]["response"]["output"][0]["content"]]
    assert kinds == ["refusal", "output_text"]


def test_words_do_not_go_into_an_item_of_another_kind() -> None:
    outlet = ResponseOutlet(REQUEST, 7)
    frames, _ = read(pieces_of([REASONING]), outlet.reader(None))
    data = told(frames[:3], outlet)  # begun, and the reasoning begins
    events = events_of(data + outlet.words("Stop.", "0") + outlet.finish("0", None))
    assert said(events) == ["", "Stop."]
    assert events[-1]["response"]["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("adds", [False, True])
def test_rounds_make_one_response(dropped: bool, adds: bool) -> None:
    outlet = ResponseOutlet(REQUEST, 7)
    frames, end = read(pieces_of([REASONING, *items_of("One.", [END])]), outlet.reader(TOOL))
    data = b"" if dropped else told(frames, outlet)
    frames, end = read(pieces_of(items_of("Two.")), outlet.reader(TOOL, dropped=dropped))
    data += told(frames, outlet)
    data += outlet.words("Three.", "0") if adds else b""
    texts = said(events_of(data + outlet.finish("0", None, end.last)))
    newest = "Two.Three." if adds else "Two."
    assert texts == ([newest] if dropped else ["", "One.", newest])


# -- whole replies --------------------------------------------------------------------------------


def finished(items: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"added": "", "extension": None, "strip_tool": TOOL, **options}
    made = json.loads(DIALECT.finish_reply(whole(items).pieces[0], **given))
    Response.model_validate(made)
    return made  # type: ignore[no-any-return]


def texts_of(made: dict[str, Any]) -> list[str]:
    return ["".join(map(words, item.get("content", ()))) for item in made["output"]]


def test_nothing_added_is_the_model_s_own_bytes() -> None:
    body = whole(items_of("Well.")).pieces[0]
    assert DIALECT.finish_reply(body, added="", extension=None, strip_tool=TOOL) is body


def test_words_go_into_the_last_message() -> None:
    made = finished([REASONING, *items_of("Well.")], added="More.", extension={"x": 1})
    assert texts_of(made) == ["", "Well.\n\nMore."]
    assert texts_of(finished([*items_of("Well."), REASONING], added="More."))[-1] == "\n\nMore."
    (item,) = items_of("x")
    refused = {**item, "content": [{"type": "refusal", "refusal": "No."}]}
    assert texts_of(finished([refused], added="More.")) == ["No.\n\nMore."]
    assert texts_of(finished([{**item, "content": None}], added="More.")) == ["More."]
    assert (made["adjourn"], made["x_unknown"]) == ({"x": 1}, {"kept": 1.0})
    assert texts_of(finished([], added="More.")) == ["More."]


def test_an_end_call_is_taken_out_and_earlier_words_come_first() -> None:
    made = finished(items_of("Well.", [END]), before=("Before. ",))
    assert texts_of(made) == ["Before. ", "Well."]
    assert finished(items_of("", [END]), strip_tool=None)["output"][0]["name"] == TOOL


def test_a_reply_can_be_replaced() -> None:
    made = finished(items_of("Well.", [WEATHER]), added="No.", instead=True)
    assert (texts_of(made), made["status"]) == (["No."], "completed")


def test_a_text_beside_the_items_is_kept_true() -> None:
    body = json.dumps({**response(items_of("Well.")), "output_text": "Well."}).encode()
    made = json.loads(DIALECT.finish_reply(body, added="More.", extension=None, strip_tool=None))
    assert made["output_text"] == "Well.\n\nMore."


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b'{"output": "x"}', b"\xff", b"[" * 9999])
def test_replies_that_cannot_be_read(body: bytes) -> None:
    read_ = DIALECT.read_reply(body, TOOL)
    assert read_.reply is None
    assert "cannot be read" in read_.cut


@pytest.mark.parametrize("body", [{"output": [1]}, {"output": [], "status": "queued"}])
def test_replies_that_are_not_finished(body: dict[str, Any]) -> None:
    read_ = DIALECT.read_reply(json.dumps(body).encode(), TOOL)
    assert read_.reply is None
    assert "not finished" in read_.cut


def test_errors_have_the_form_of_the_dialect() -> None:
    body = DIALECT.error_body("No.", type="t", code="c", param="p", extension={"x": 1})
    error = {"type": "t", "message": "No.", "code": "c", "param": "p"}
    assert json.loads(body) == {"error": error, "adjourn": {"x": 1}}
    (made,) = SseDecoder().feed(DIALECT.error_frame("No.", code="c", type="t"))
    told_ = json.loads(made.data or b"")
    assert (made.event, told_["type"], told_["code"], told_["message"]) == (
        "error", "error", "c", "No.",
    )  # fmt: skip
    assert told_["error"]["type"] == "t"
