"""What the readers of all dialects share: events from bytes, and what becomes of a cut."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from adjourn.wire.dialect import Frame
from adjourn.wire.reading import json_of
from adjourn.wire.sse import BadReply, SseDecoder, SseEvent


class EventReader(ABC):
    """Cuts a stream into events, and stops at the first that cannot be read."""

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._cut = ""
        self._bad = b""
        """What came from the first event on that could not be read."""
        self.done = False
        """Whether the reply has ended: nothing after it matters, not even a lost connection."""

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that are complete with them. After a cut, none."""
        if self._cut:
            self._bad += data
            return []
        frames: list[Frame] = []
        try:
            events = self._sse.feed(data)
            at = 0
            while at < len(events):
                if self._is_cut():
                    self._bad += events[at].raw
                    at += 1
                    continue
                after, made = self._run(events, at)
                frames += made
                at = after
        except BadReply as error:
            self._cut = str(error)
        if self._is_cut():
            self._bad += self._sse.leftover
            self._sse = SseDecoder()
        return frames

    def _is_cut(self) -> bool:
        return bool(self._cut)

    def _run(self, events: Sequence[SseEvent], at: int) -> tuple[int, list[Frame]]:
        """Take events in a row, of those that came at once, from one place on.

        Returns:
            The place after them, and the frames that they make.
        """
        return at + 1, self._event(events[at])

    @abstractmethod
    def _event(self, event: SseEvent) -> list[Frame]:
        """Return the frames that an event makes."""

    def _object(self, event: SseEvent) -> dict[str, Any] | None:
        """Return an event's JSON object; None, and the stream is cut, if it has none."""
        body = json_of(event.data or b"")
        if isinstance(body, dict):
            return body
        self._cut = "the model's server sent an event that is not a JSON object"
        self._bad += event.raw
        return None

    def _close(self, *, finished: bool) -> bool:
        """The bytes have ended; tell whether the reply is whole."""
        if not self._cut and self._sse.leftover.strip():
            self._cut = "the model's server stopped in the middle of an event"
        if not self._cut and not finished:
            self._cut = "the model's server stopped before the reply was finished"
        return not self._cut

    def _unread(self, last: list[Frame]) -> bytes:
        """Return what has come and was not given out."""
        return b"".join(frame.raw for frame in last) + self._bad + self._sse.leftover
