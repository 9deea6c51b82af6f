"""Streamed replies of Anthropic Messages: the client's side."""

from collections.abc import Mapping, Sequence
from typing import Any

from adjourn.wire.anthropic_stream import MessageReader
from adjourn.wire.anthropic_whole import own_message
from adjourn.wire.dialect import ChatRequest, Frame
from adjourn.wire.sse import as_event


class MessageOutlet:
    """One streamed message: knows whether it has begun, and which block is open."""

    def __init__(self, request: ChatRequest) -> None:
        self._model = request.model
        self._reader: MessageReader | None = None
        self._begun = False
        self._open: int | None = None
        self._open_is_text = False
        self._next = 0

    def reader(self, watch: str | None, *, dropped: bool = False) -> MessageReader:
        """Return the reader of the model's next stream, which continues the message."""
        before = self._reader
        if before is None or dropped:
            reader = MessageReader(watch, self._next, continues=self._begun)
        else:
            reader = MessageReader(watch, before.next_index, continues=True)
        self._reader = reader
        return reader

    def wrote(self, frame: Frame) -> None:
        """Take note that a frame has reached the client."""
        if frame.event is not None:
            self._note(frame.event)

    def words(self, text: str, seed: str) -> bytes:
        """Return the events that add the gateway's words."""
        events = self._beginning(seed)
        place = self._open if self._open_is_text else None
        if place is None:
            place = self._next
            block = {"type": "text", "text": ""}
            start = {"type": "content_block_start", "index": place, "content_block": block}
            events += [*self._closing(), start]
        delta = {"type": "text_delta", "text": text}
        events.append({"type": "content_block_delta", "index": place, "delta": delta})
        return self._written(events)

    def finish(
        self, seed: str, extension: Mapping[str, Any] | None, last: Sequence[Frame] = ()
    ) -> bytes:
        """Return the events that end the message: the model's own, or regular ones."""
        head = self._written([*self._beginning(seed), *self._closing()])
        told = {"adjourn": extension} if extension else {}
        if not last:
            delta = {"stop_reason": "end_turn", "stop_sequence": None}
            usage = {"output_tokens": 0}
            end = {"type": "message_delta", "delta": delta, "usage": usage, **told}
            return head + as_event(end) + as_event({"type": "message_stop"})
        tail = [
            as_event({**frame.event, **told})
            if told and frame.event and frame.event["type"] == "message_delta"
            else frame.raw
            for frame in last
        ]
        stopped = any(frame.event and frame.event["type"] == "message_stop" for frame in last)
        return head + b"".join(tail) + (b"" if stopped else as_event({"type": "message_stop"}))

    def reply(self, text: str, seed: str, extension: Mapping[str, Any] | None) -> bytes:
        """Return a whole message of the gateway's own, from where the client is to the end."""
        events = self._beginning(seed)
        if events and extension:
            events[0]["message"]["adjourn"] = extension
        head = self._written(events)
        return head + self.words(text, seed) + self.finish(seed, extension)

    def _beginning(self, seed: str) -> list[dict[str, Any]]:
        """Return the event that begins the message, if it has not begun."""
        if self._begun:
            return []
        return [{"type": "message_start", "message": own_message(seed, self._model)}]

    def _closing(self) -> list[dict[str, Any]]:
        if self._open is None:
            return []
        return [{"type": "content_block_stop", "index": self._open}]

    def _written(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        for event in events:
            self._note(event)
        return b"".join(as_event(event) for event in events)

    def _note(self, event: Mapping[str, Any]) -> None:
        match event["type"]:
            case "message_start":
                self._begun = True
            case "content_block_start":
                self._open = event["index"]
                self._open_is_text = event["content_block"].get("type") == "text"
                self._next = event["index"] + 1
            case "content_block_stop":
                self._open = None
