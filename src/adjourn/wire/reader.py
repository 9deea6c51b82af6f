"""What the readers of all dialects share: events from bytes, and what becomes of a cut."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from adjourn.wire.dialect import Frame, FrameKind
from adjourn.wire.reading import json_of
from adjourn.wire.sse import BadReply, SseDecoder, SseEvent


class EventReader(ABC):
    """Cuts a stream into events, and stops at the first that cannot be read."""

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._cut = ""
        self._last: list[Frame] = []
        """Frames that wait for the decision, in order."""
        self.done = False
        """Whether the reply has ended: nothing after it matters, not even a lost connection."""

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that are complete with them. After a cut, none."""
        frames: list[Frame] = []
        if self.is_cut():
            return frames
        try:
            events = self._sse.feed(data)
            at = 0
            while at < len(events) and not self.is_cut():
                at, made = self._run(events, at)
                frames += made
        except BadReply as error:
            self._cut = str(error)
        return frames

    def is_cut(self) -> bool:
        """Tell whether something came that cannot be read, or an error: no more is read."""
        return bool(self._cut)

    def _run(self, events: Sequence[SseEvent], at: int) -> tuple[int, list[Frame]]:
        """Take events in a row, of those that came at once, from one place on.

        Returns:
            The place after them, and the frames that they make.
        """
        return at + 1, self._frames_of(events[at])

    def _frames_of(self, event: SseEvent) -> list[Frame]:
        """Return the frames that an event makes; a comment keeps its place among what waits."""
        if event.data is not None:
            return self._event(event)
        if not self._last:
            return [Frame(event.raw, FrameKind.PASS)]
        self._last.append(Frame(event.raw, FrameKind.LAST))
        return []

    @abstractmethod
    def _event(self, event: SseEvent) -> list[Frame]:
        """Return the frames that an event with data makes."""

    def _object(self, event: SseEvent) -> dict[str, Any] | None:
        """Return an event's JSON object; None, and the stream is cut, if it has none."""
        body = json_of(event.data or b"")
        if isinstance(body, dict):
            return body
        self._cut = "the model's server sent an event that is not a JSON object"
        return None

    def _take_rest(self) -> None:
        """The bytes have ended: take a last event whose blank line never came, if it is whole."""
        event = None if self._cut else self._sse.end()
        if event is None:
            return
        data = (event.data or b"").strip()
        if data and data != b"[DONE]" and not isinstance(json_of(data), dict):
            self._cut = "the model's server stopped in the middle of an event"
            return
        frames = self._frames_of(event)
        self._last += [frame._replace(kind=FrameKind.LAST) for frame in frames]

    def _close(self, *, finished: bool) -> bool:
        """Tell whether the reply is whole, now that nothing more comes."""
        if not self._cut and not finished:
            self._cut = "the model's server stopped before the reply was finished"
        return not self._cut
