"""Fakes for everything a gateway is plugged together from. They depend on no test framework.

``MemoryStore`` is a whole store; ``FixedDetector``, ``ScriptedUpstream`` and ``FakeClock`` do what
they are told and remember what they were asked.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.errors import UpstreamUnavailable
from adjourn.core.messages import Message
from adjourn.ports import UpstreamRequest
from adjourn.store.memory import MemoryStore

__all__ = [
    "FakeClock",
    "FixedDetector",
    "MemoryStore",
    "PlayedReply",
    "ScriptedReply",
    "ScriptedUpstream",
]


@dataclass
class FakeClock:
    """Stands still until it is told otherwise."""

    wall_ms: int = 1_800_000_000_000
    """What ``now_ms`` returns; may be set to anything, as an operator may set a machine's clock."""
    elapsed_s: float = 0.0
    """What ``monotonic_s`` returns."""

    def now_ms(self) -> int:
        """Return the wall-clock time in milliseconds since the Unix epoch."""
        return self.wall_ms

    def monotonic_s(self) -> float:
        """Return a time in seconds that never goes back."""
        return self.elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass on both."""
        if seconds < 0:
            raise ValueError("time passes forwards; set wall_ms to play a clock that jumps back")
        self.elapsed_s += seconds
        self.wall_ms += round(seconds * 1000)


class FixedDetector:
    """Answers from a table, or by a function of the message.

    Args:
        answers: Text → answer, where a text that is not there is harmless; or a function from the
            newest message to its answer.
        name: As used in assessments and the ledger.
        delay_s: Seconds before each answer.
        failure: Raised instead of answering, which a real detector never does on purpose.
    """

    def __init__(
        self,
        answers: Mapping[str, Assessed] | Callable[[Message], Assessed] | None = None,
        *,
        name: str = "fixed",
        delay_s: float = 0.0,
        failure: Exception | None = None,
    ) -> None:
        self.name = name
        self.delay_s = delay_s
        self.failure = failure
        self.asked: list[Message] = []
        """The newest message of each conversation that was to be judged, in order."""
        self._answers = {} if answers is None else answers

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """Judge the last message of each conversation; one answer each, in order."""
        self.asked.extend(messages[-1] for messages in conversations)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.failure is not None:
            raise self.failure
        return [self._answer(messages[-1]) for messages in conversations]

    async def aclose(self) -> None:
        """Nothing is held."""

    def _answer(self, message: Message) -> Assessed:
        if callable(self._answers):
            return self._answers(message)
        return self._answers.get(message.text) or Assessment(self.name)


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """What a ``ScriptedUpstream`` answers to one request."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = (("content-type", "application/json"),)
    body: Sequence[bytes] = ()
    """The body, in the pieces in which it arrives."""
    cut_after: int | None = None
    """Bytes of the body after which the connection is lost; None: the body is whole."""
    hang_after: int | None = None
    """Bytes of the body after which nothing comes until ``release``; None: it does not hang."""
    refused: bool = False
    """There is no connection at all."""


class PlayedReply:
    """A scripted reply as it was given, and how it was treated."""

    def __init__(self, script: ScriptedReply) -> None:
        self.status = script.status
        self.headers = script.headers
        self.sent = 0
        """Bytes of the body that were read so far."""
        self.closed = False
        """Whether the reader let go."""
        self._script = script
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let a reply that hangs go on."""
        self._released.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as the script has it; raise ``UpstreamUnavailable`` where it is cut."""
        for piece in self._script.body:
            for part in self._parts(piece):
                await self._reached()
                self.sent += len(part)
                yield part
        await self._reached()
        if self._script.cut_after is not None:
            raise UpstreamUnavailable("the connection was lost")

    async def aclose(self) -> None:
        """Let go of the reply."""
        self.closed = True

    async def _reached(self) -> None:
        if self.sent == self._script.hang_after:
            await self._released.wait()
        if self.sent == self._script.cut_after:
            raise UpstreamUnavailable("the connection was lost")

    def _parts(self, piece: bytes) -> Sequence[bytes]:
        """Split a piece where the script wants something to happen inside it."""
        marks = (self._script.hang_after, self._script.cut_after)
        at = {mark - self.sent for mark in marks if mark is not None}
        bounds = sorted({0, len(piece), *(mark for mark in at if 0 < mark < len(piece))})
        return [piece[start:end] for start, end in pairwise(bounds)]


class ScriptedUpstream:
    """A model's server that gives the replies of a list, one a request, the last one for ever.

    Args:
        replies: In order. An upstream without replies refuses every connection.
    """

    def __init__(self, *replies: ScriptedReply) -> None:
        self.requests: list[UpstreamRequest] = []
        """What was asked, in order."""
        self.played: list[PlayedReply] = []
        """The replies that were begun, in order."""
        self.closed = False
        self._scripts = list(replies) or [ScriptedReply(refused=True)]

    async def send(self, request: UpstreamRequest) -> PlayedReply:
        """Take a request and return the next reply, its body still to be read."""
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        if script.refused:
            raise UpstreamUnavailable("connection refused")
        self.played.append(PlayedReply(script))
        return self.played[-1]

    async def aclose(self) -> None:
        """Close."""
        self.closed = True
