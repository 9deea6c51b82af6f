"""The fakes that ship do what they are told."""

import asyncio
from itertools import pairwise

import pytest

from adjourn.core.assessments import Assessment, Unknown
from adjourn.core.errors import StoreUnavailable, UpstreamUnavailable
from adjourn.core.messages import Message
from adjourn.ports import Clock, Detector, Upstream, UpstreamReply, UpstreamRequest
from adjourn.runtime.clock import SystemClock
from adjourn.testing import (
    FakeClock,
    FixedDetector,
    MemoryStore,
    ScriptedReply,
    ScriptedUpstream,
)

REQUEST = UpstreamRequest("POST", "/v1/chat/completions", (), b"{}")
ABUSIVE = Assessment("fixed", abuse=0.9)


def test_clocks_are_clocks() -> None:
    clocks: list[Clock] = [SystemClock(), FakeClock()]
    for clock in clocks:
        assert clock.now_ms() > 1_700_000_000_000
        readings = [clock.monotonic_s() for _ in range(10)]
        assert all(earlier <= later for earlier, later in pairwise(readings))


def test_a_fake_clock_stands_still_until_told() -> None:
    clock = FakeClock(wall_ms=1000)
    clock.advance(1.5)
    assert (clock.now_ms(), clock.monotonic_s()) == (2500, 1.5)
    clock.wall_ms = 0  # an operator sets the machine's clock back
    assert (clock.now_ms(), clock.monotonic_s()) == (0, 1.5)
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(-1)


async def test_a_fixed_detector_answers_from_a_table() -> None:
    detector: Detector = FixedDetector({"idiot": ABUSIVE, "?": Unknown("fixed", "asked to")})
    said = [[Message.of("user", text)] for text in ("idiot", "?", "hello")]
    assert await detector.assess(said) == [
        ABUSIVE, Unknown("fixed", "asked to"), Assessment("fixed"),
    ]  # fmt: skip
    await detector.aclose()


async def test_a_fixed_detector_answers_by_a_function_late_or_not_at_all() -> None:
    hello = Message.of("user", "hello")
    detector = FixedDetector(lambda message: Assessment(message.text), delay_s=0.001)
    assert await detector.assess([[hello]]) == [Assessment("hello")]
    detector.failure = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        await detector.assess([[hello]])
    assert detector.asked == [hello, hello]


async def read(reply: UpstreamReply) -> tuple[bytes, bool]:
    """Return a reply's body as far as it came, and whether it was whole."""
    got = b""
    try:
        async for chunk in reply.chunks():
            got += chunk
    except UpstreamUnavailable:
        return got, False
    return got, True


async def test_a_scripted_upstream_gives_its_replies_in_order_and_keeps_the_requests() -> None:
    scripted = ScriptedUpstream(
        ScriptedReply(refused=True), ScriptedReply(429, body=[b"slow ", b"down"]), ScriptedReply()
    )
    upstream: Upstream = scripted
    with pytest.raises(UpstreamUnavailable, match="refused"):
        await upstream.send(REQUEST)
    reply = await upstream.send(REQUEST)
    assert reply.status == 429
    assert await read(reply) == (b"slow down", True)
    for _ in range(2):
        again = await upstream.send(REQUEST)
        assert (again.status, await read(again)) == (200, (b"", True))
    await reply.aclose()
    await upstream.aclose()
    assert scripted.requests == [REQUEST] * 4
    assert [played.closed for played in scripted.played] == [True, False, False]
    assert scripted.closed


async def test_an_upstream_without_a_script_is_not_there() -> None:
    with pytest.raises(UpstreamUnavailable):
        await ScriptedUpstream().send(REQUEST)


@pytest.mark.parametrize("cut_after", range(8))
async def test_a_reply_is_cut_after_any_byte(cut_after: int) -> None:
    upstream = ScriptedUpstream(ScriptedReply(body=[b"abc", b"", b"defg"], cut_after=cut_after))
    assert await read(await upstream.send(REQUEST)) == (b"abcdefg"[:cut_after], False)


@pytest.mark.parametrize("hang_after", range(8))
async def test_a_reply_hangs_until_it_is_released(hang_after: int) -> None:
    upstream = ScriptedUpstream(ScriptedReply(body=[b"abc", b"defg"], hang_after=hang_after))
    reply = await upstream.send(REQUEST)
    reading = asyncio.create_task(read(reply))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (reply.sent, reading.done()) == (hang_after, False)
    reply.release()
    assert await reading == (b"abcdefg", True)


async def test_a_memory_store_plays_an_outage() -> None:
    store = MemoryStore()
    store.available = False
    with pytest.raises(StoreUnavailable):
        await store.look_up([])
    store.available = True
    assert (await store.look_up([])).end is None
