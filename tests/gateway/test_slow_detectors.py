"""A slow detector over real sockets: the reply does not wait for it, the next decision does."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.messages import Message

from .conftest import Running
from .model_server import says

CONFIG = {
    "detector": [
        {"name": "guard", "kind": "judge", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
    ],
    "detection": {"deadline_s": 60.0},
}


class Guard:
    """Sees a crisis in every message that speaks of a bridge, once it is let go."""

    name = "guard"

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.answered = 0

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        await self.go.wait()
        self.answered += len(conversations)
        return [Assessment("guard", crisis_self="bridge" in c[-1].text) for c in conversations]

    async def aclose(self) -> None:
        pass


def ask(running: Running, *texts: str) -> Any:
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
    body = json.dumps({"model": "m", "messages": messages})
    return running.http().post("/v1/chat/completions", content=body)


def test_the_reply_does_not_wait_and_the_next_decision_is_bound(
    run: Callable[..., Running],
) -> None:
    guard = Guard()
    running = run(script=says("Fine."), more_detectors=(guard,), config=CONFIG)
    try:
        first = ask(running, "I stand on a bridge.")
        assert first.headers["x-adjourn-decision"] == "continue"
        assert first.json()["choices"][0]["message"]["content"] == "Fine."
        assert guard.answered == 0
    finally:
        running.loop.call_soon_threadsafe(guard.go.set)
    second = ask(running, "I stand on a bridge.", "Fine.", "It is windy.")
    assert second.headers["x-adjourn-decision"] == "support"
    assert guard.answered == 2


def test_nothing_ends_on_quick_detectors_alone(run: Callable[..., Running]) -> None:
    guard = Guard()
    guard.go.set()
    running = run(script=says("Fine."), more_detectors=(guard,), config=CONFIG)
    said = ["You idiot on a bridge."]
    for _ in range(4):
        reply = ask(running, *said)
        assert reply.headers["x-adjourn-decision"] == "support"
        said += [reply.json()["choices"][0]["message"]["content"], "You idiot."]
