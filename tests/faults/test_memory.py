"""34: memory leak / fd leak: flat over 100,000 requests, in this process without sockets."""

import asyncio
import gc
import json
import os
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import pytest

from adjourn.core.assessments import Assessed
from adjourn.core.entries import Append, EndRecord
from adjourn.core.exchange import Exchange, PolicyInForce
from adjourn.core.messages import Message
from adjourn.gateway.front import Front
from adjourn.ports import UpstreamRequest
from adjourn.runtime import driver
from adjourn.runtime.trunks import Trunks
from adjourn.store.memory import MemoryStore
from adjourn.testing import FixedDetector, PlayedReply, ScriptedReply, ScriptedUpstream
from tests.core.tabletop import judge

from .asgi import REPLY, ask, front

_REQUESTS = 100_000
_WARM = 20_000
_ALLOWED_BYTES = 8 * 2**20
"""80 bytes a request: what malloc keeps in pieces, not what a leak of one object would take."""


class _Forgetful(MemoryStore):
    """A store that acknowledges and forgets, so that what grows is the gateway."""

    async def append(self, append: Append) -> EndRecord | None:
        return append.end


class _ForgetfulUpstream(ScriptedUpstream):
    """An upstream that does not remember what it was asked, and takes its time as a network does:
    tasks that were cancelled end when the loop runs."""

    async def send(self, request: UpstreamRequest) -> PlayedReply:
        await asyncio.sleep(0)
        reply = await super().send(request)
        self.requests.clear()
        self.played.clear()
        return reply


class _ForgetfulDetector(FixedDetector):
    """A detector that does not remember either."""

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        answers = await super().assess(conversations)
        self.asked.clear()
        return answers


def _forgetful(reply: ScriptedReply) -> Front:
    """A gateway whose memory of histories is full before the measuring begins.

    It takes up to 27 MB, and each of these requests is a conversation of its own.
    """
    made = front(
        store=_Forgetful(), upstream=_ForgetfulUpstream(reply), detector=_ForgetfulDetector(judge)
    )
    made._gateway._trunks = Trunks(most_nodes=_WARM)
    return made


_STREAM = b"".join(
    b"data: " + json.dumps(event).encode() + b"\n\n"
    for event in (
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices":
         [{"index": 0, "delta": {"content": "Fine."}, "finish_reason": None}]},
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices":
         [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    )
) + b"data: [DONE]\n\n"  # fmt: skip
_STREAMED = ScriptedReply(headers=(("content-type", "text/event-stream"),), body=[_STREAM])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_request_leaves_nothing_to_the_garbage_collector(
    stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held by a cycle stays until the collector comes by: bodies of hundreds of requests,
    and its pauses for them. The exchange holds all that a request is made of."""
    made: list[weakref.ref[Exchange]] = []

    class Noted(Exchange):
        def __init__(self, in_force: PolicyInForce) -> None:
            super().__init__(in_force)
            if threading.current_thread() is threading.main_thread():  # no other test's gateway
                made.append(weakref.ref(self))

    monkeypatch.setattr(driver, "Exchange", Noted)
    gateway = _forgetful(_STREAMED if stream else ScriptedReply(body=[REPLY]))
    said = ["hello", "you idiot", "finish", "crisis"]
    gc.disable()
    try:
        for number, words in enumerate(said):
            messages = [{"role": "user", "content": words}]
            reply = await ask(gateway, messages, user=f"u{number}", stream=stream)
            assert reply.status == 200
        await gateway.drain()
        left = [one() for one in made]
    finally:
        gc.enable()
    assert left == [None] * len(said)


@pytest.mark.slow
async def test_memory_is_flat_over_100_000_requests() -> None:
    whole = _forgetful(ScriptedReply(body=[REPLY]))
    streamed = _forgetful(_STREAMED)

    async def some(first: int, last: int) -> None:
        for number in range(first, last):
            words = f"{'you idiot' if number % 7 == 0 else 'hello'} {number}"
            messages = [{"role": "user", "content": words}]
            gateway = streamed if number % 2 else whole
            reply = await ask(gateway, messages, user=f"u{number}", stream=bool(number % 2))
            assert reply.status == 200
        await whole.drain()
        await streamed.drain()

    await some(0, _WARM)
    gc.collect()
    before, files = _resident(), _files()
    await some(_WARM, _REQUESTS)
    gc.collect()
    assert _resident() - before < _ALLOWED_BYTES
    assert _files() == files
    await asyncio.sleep(0)  # for tasks that were cancelled to go
    assert len(asyncio.all_tasks()) == 1


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
