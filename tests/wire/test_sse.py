"""Server-sent events: fed whole, byte by byte, cut anywhere; not a byte is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.wire.sse import BadReply, SseDecoder, SseEvent

PIECES = st.sampled_from(
    [b"data: a", b"data:b", b"event: x", b": note", b"id: 1", b"data", b"\n", b"\r", b"\r\n",
     b"\n\n", "data: é".encode(), b"\xef\xbb\xbf"]
)  # fmt: skip
STREAMS = st.lists(PIECES, max_size=20).map(b"".join)


def read(data: bytes, cuts: list[int]) -> tuple[list[SseEvent], bytes]:
    decoder = SseDecoder()
    events: list[SseEvent] = []
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        events += decoder.feed(data[start:end])
    return events, decoder.leftover


@given(STREAMS, st.lists(st.integers(0, 500), max_size=8))
def test_any_cutting_gives_the_same_events(data: bytes, cuts: list[int]) -> None:
    whole = read(data, [])
    byte_by_byte = read(data, list(range(len(data))))
    for events, leftover in (whole, byte_by_byte, read(data, cuts)):
        assert b"".join(event.raw for event in events) + leftover == data
        assert [event.data for event in events] == [event.data for event in whole[0]]


@pytest.mark.parametrize(
    ("raw", "data", "event"),
    [
        (b"data: a\n\n", b"a", ""),
        (b"data:a\r\n\r\n", b"a", ""),
        (b"data: a\r\rx", b"a", ""),
        (b"event: e\ndata: a\ndata:  b\n\n", b"a\n b", "e"),
        (b": ping\n\n", None, ""),
        (b"\n", None, ""),
        (b"\xef\xbb\xbfdata: a\n\n", b"a", ""),
        (b"data\n\n", b"", ""),
    ],
)
def test_events(raw: bytes, data: bytes | None, event: str) -> None:
    first = SseDecoder().feed(raw + b"rest")[0]
    assert (first.data, first.event) == (data, event)


def test_an_event_may_not_grow_for_ever() -> None:
    decoder = SseDecoder(largest=10)
    assert decoder.feed(b"data: abc\n\n" * 5)
    with pytest.raises(BadReply, match="more than 10 bytes"):
        decoder.feed(b"data: abcdefgh")
