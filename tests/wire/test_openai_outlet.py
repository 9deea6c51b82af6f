"""The client's side of a streamed chat completion: one id, whatever it is made of."""

import json
from typing import Any

import pytest

from adjourn.wire.dialect import FrameKind
from adjourn.wire.openai_chat import ChatCompletions
from adjourn.wire.openai_frames import DONE
from adjourn.wire.sse import SseDecoder
from tests.gateway.model_server import chunk, stream

DIALECT = ChatCompletions()
REQUEST = DIALECT.parse_request(
    b'{"model": "m", "n": 2, "messages": [{"role": "user", "content": "hi"}]}'
)


def chunks_of(data: bytes) -> list[dict[str, Any]]:
    events = [event.data for event in SseDecoder().feed(data) if event.data]
    assert events[-1] == b"[DONE]"
    return [json.loads(one) for one in events[:-1]]


def test_a_reply_of_our_own() -> None:
    data = DIALECT.outlet(REQUEST, 7).reply("Bye.", "ab" * 32, {"decision": "end"})
    chunks = chunks_of(data)
    assert {one["id"] for one in chunks} == {"chatcmpl-adjourn-" + "ab" * 12}
    assert chunks[1]["choices"][0]["delta"] == {"content": "Bye."}
    assert chunks[-1]["adjourn"] == {"decision": "end"}
    whole = json.loads(DIALECT.write_reply(REQUEST, "Bye.", "ab" * 32, 7, None))
    assert whole["id"] == chunks[0]["id"]
    assert whole["created"] == 7


def test_a_reply_of_our_own_has_as_many_choices_as_were_asked_for() -> None:
    whole = json.loads(DIALECT.write_reply(REQUEST, "Bye.", "0", 7, None))
    assert [one["index"] for one in whole["choices"]] == [0, 1]
    chunks = chunks_of(DIALECT.outlet(REQUEST, 7).reply("Bye.", "0", None))
    told = [(c["index"], c["delta"].get("content")) for one in chunks for c in one["choices"]]
    assert told == [(0, ""), (0, "Bye."), (1, ""), (1, "Bye."), (0, None), (1, None)]


def test_a_number_of_choices_that_nobody_has_takes_no_time() -> None:
    body = b'{"model": "m", "n": 1000000000, "messages": [{"role": "user", "content": "hi"}]}'
    request = DIALECT.parse_request(body)
    outlet = DIALECT.outlet(request, 7)
    assert len(outlet.words("More.", "0") + outlet.reply("Bye.", "0", None)) < 200_000
    assert len(DIALECT.write_reply(request, "Bye.", "0", 7, None)) < 200_000


def test_words_go_to_the_choices_that_the_model_gave() -> None:
    outlet = DIALECT.outlet(REQUEST, 7)
    outlet.reader(None).feed(b"".join(stream("Fine.").pieces))
    data = outlet.words("More.", "0") + b"data: [DONE]\n\n"
    assert [c["index"] for one in chunks_of(data) for c in one["choices"]] == [0]


def test_words_are_added_to_every_choice() -> None:
    outlet = DIALECT.outlet(REQUEST, 7)
    data = outlet.words("More.", "0") + outlet.finish("0", None)
    assert [one["choices"][0]["index"] for one in chunks_of(data)[:2]] == [0, 1]


@pytest.mark.parametrize("dropped", [False, True])
def test_rounds_go_on_under_the_first_id_unless_it_was_never_seen(dropped: bool) -> None:
    outlet = DIALECT.outlet(REQUEST, 7)
    first = outlet.reader("end_conversation")
    for piece in stream("One.").pieces:
        for frame in first.feed(piece):
            if not dropped and frame.kind is FrameKind.PASS:
                outlet.wrote(frame)
    second = outlet.reader("end_conversation", dropped=dropped)
    other = chunk({"role": "assistant", "content": "Two."}).replace(b"chatcmpl-1", b"chatcmpl-2")
    (frame,) = second.feed(other)
    delta = json.loads(frame.raw[6:])
    assert delta["id"] == ("chatcmpl-2" if dropped else "chatcmpl-1")
    assert ("role" in delta["choices"][0]["delta"]) is dropped


FINISH = b'{"id": "c", "choices": [3, {"index": 0, "delta": {}, "finish_reason": "stop"}]}'


@pytest.mark.parametrize(
    "last",
    [
        b"data: %s\nretry: 3\n\n" % FINISH,
        b": busy\ndata: %s\n\n" % FINISH,
        b"event: chunk\r\ndata: %s\r\n\r\n" % FINISH,
        b"data: %s\ndata: %s\n\n" % (FINISH[:12], FINISH[12:]),
    ],
)
def test_the_last_event_may_have_any_lines_beside_its_data(last: bytes) -> None:
    outlet = DIALECT.outlet(REQUEST, 7)
    reader = outlet.reader(None)
    reader.feed(last + b"data: [DONE]\n\n")
    end = reader.end()
    assert end.reply is not None
    (told,) = chunks_of(outlet.finish("0", {"decision": "warn"}, end.last))
    assert told["adjourn"] == {"decision": "warn"}


def test_a_last_event_with_strange_choices_passes_as_it_came() -> None:
    outlet = DIALECT.outlet(REQUEST, 7)
    usage = b'data: {"id": "c", "choices": {"a": 1}}\n\n'
    reader = outlet.reader(None)
    reader.feed(b"data: %s\n\n" % FINISH + usage)
    end = reader.end()
    assert outlet.finish("0", {"decision": "warn"}, end.last).endswith(usage + DONE)


@pytest.mark.parametrize("mark", [b"", DONE, b"data:[DONE]\n\n", b"data: [DONE]"])
def test_a_whole_reply_ends_with_one_mark_whether_the_model_s_server_sent_it(mark: bytes) -> None:
    outlet = DIALECT.outlet(REQUEST, 7)
    reader = outlet.reader("leave")
    frames = reader.feed(chunk({"content": "Fine."}) + chunk({}, "stop") + mark)
    end = reader.end()
    assert end.reply is not None
    for frame in frames:
        outlet.wrote(frame)
    ending = outlet.finish("0" * 64, None, end.last)
    assert ending.count(b"[DONE]") == 1
    assert ending.rstrip().endswith(b"[DONE]")
