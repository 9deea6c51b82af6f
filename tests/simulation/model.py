"""The model's server and the detectors, as bad as they can be."""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.errors import UpstreamUnavailable
from adjourn.core.messages import Message
from adjourn.ports import UpstreamRequest
from tests.core.tabletop import glance, judge

MOODS = ("well", "well", "well", "down", "stall", "odd")


@dataclass
class Judges:
    """A detector that judges by the words, when it is in the mood."""

    name: str
    chance: random.Random
    truth: Callable[[Message], Assessed]
    judged: Callable[[Sequence[str]], None]
    mood: str = "well"

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        await asyncio.sleep(self.chance.expovariate(50))
        mood = self.mood if self.chance.random() > 0.02 else self.chance.choice(MOODS)
        newest = [messages[-1] for messages in conversations]
        if mood == "down":
            raise RuntimeError("the detector is down")
        if mood == "stall":
            await asyncio.sleep(1e4)
        if mood == "odd":
            too_many = [Assessment(self.name)] * (len(newest) + 1)
            unsure = [Unknown(self.name, "?")] * len(newest)
            odd: list[Sequence[Assessed]] = [[], too_many, unsure]
            return self.chance.choice(odd)
        self.judged([message.text for message in newest if message.role == "user"])
        return [self.truth(message) for message in newest]

    async def aclose(self) -> None:
        """Nothing is held."""


def quick(chance: random.Random) -> Judges:
    return Judges("quick", chance, glance, lambda _: None)


def slow(chance: random.Random, judged: Callable[[Sequence[str]], None]) -> Judges:
    """The one that must have judged what anything hinges on."""
    return Judges("slow", chance, judge, judged)


_SAYINGS = ("Fine", "No. I refuse, but let us talk of it instead", "You are sexy. Fine", "Well")


@dataclass
class Reply:
    """A reply of the model's server, as it flows."""

    status: int
    headers: Sequence[tuple[str, str]]
    pieces: Sequence[bytes]
    chance: random.Random
    ending: str = "whole"
    open: bool = True

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            await asyncio.sleep(self.chance.expovariate(200))
            yield piece
        if self.ending == "stall":
            await asyncio.sleep(30)
        if self.ending in ("stall", "cut"):
            raise UpstreamUnavailable("the connection was lost")

    async def aclose(self) -> None:
        self.open = False


class ModelServer:
    """Answers chat requests; ``asked`` is told of each."""

    def __init__(self, chance: random.Random, asked: Callable[[str], None]) -> None:
        self.chance = chance
        self.replies: list[Reply] = []
        self.bad = 0.08
        self._asked = asked
        self._count = 0

    async def send(self, request: UpstreamRequest) -> Reply:
        body = json.loads(request.body)
        self._asked(body["model"])
        await asyncio.sleep(self.chance.expovariate(20))
        self._count += 1
        fault = ""
        if self.chance.random() < self.bad:
            fault = self.chance.choice(
                ["refused", "stall", "cut", "eof", "malformed", "429", "529", "tools", "error"]
            )
        if fault == "refused":
            raise UpstreamUnavailable("connection refused")
        reply = self._reply(body, fault)
        self.replies = [one for one in self.replies if one.open]
        self.replies.append(reply)
        return reply

    async def aclose(self) -> None:
        """Nothing is held."""

    def _reply(self, body: dict[str, Any], fault: str) -> Reply:
        if fault in ("429", "529") or (fault == "tools" and body.get("tools")):
            status = int(fault) if fault.isdigit() else 400
            return Reply(status, [("content-type", "text/html")], [b"<html>"], self.chance)
        text = f"{self.chance.choice(_SAYINGS)} {self._count}."
        call = self._calls(body)
        stream = bool(body.get("stream"))
        whole = _stream(text, call) if stream else _whole(text, call)
        if fault == "malformed":
            place = self.chance.randrange(len(whole))
            whole = whole[:place] + b"\x00{]\n\n" + whole[place:]
        elif fault == "error" and stream:
            whole = whole[:100] + b'\n\ndata: {"error": {"message": "busy", "code": 1}}\n\n'
        elif fault in ("stall", "cut", "eof"):
            whole = whole[: self.chance.randrange(len(whole))]
        cuts = sorted(
            self.chance.randrange(len(whole) + 1) for _ in range(self.chance.randint(0, 3))
        )
        bounds = [0, *cuts, len(whole)]
        pieces = [whole[a:b] for a, b in itertools.pairwise(bounds) if a < b]
        head = "text/event-stream" if stream else "application/json"
        ending = fault if fault in ("stall", "cut") else "whole"
        return Reply(200, [("content-type", head)], pieces, self.chance, ending)

    def _calls(self, body: dict[str, Any]) -> str:
        """Call the end tool early, late, twice, or a tool of the client's, or none."""
        names = [tool["function"]["name"] for tool in body.get("tools", ())]
        if "end_conversation" not in names:
            return ""
        likely = 0.6 if "idiot" in json.dumps(body["messages"][-3:]) else 0.05
        return "end_conversation" if self.chance.random() < likely else ""


def _whole(text: str, call: str) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if call:
        function = {"name": call, "arguments": "{}"}
        message["tool_calls"] = [{"id": "call-1", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
    reply = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**reply, "choices": [choice]}).encode()


def _stream(text: str, call: str) -> bytes:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f"{word} "} for word in text.split()]
    if call:
        function = {"name": call, "arguments": "{}"}
        deltas.append({"tool_calls": [{"index": 0, "id": "call-1", "type": "function",
                                       "function": function}]})  # fmt: skip
    events: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
    ]
    events.append({"index": 0, "delta": {}, "finish_reason": "tool_calls" if call else "stop"})
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    lines = [json.dumps({**head, "choices": [event]}) for event in events]
    return b"".join(b"data: %s\n\n" % line.encode() for line in [*lines, "[DONE]"])
