"""Streamed replies of Anthropic Messages: the model's side."""

from typing import Any

from adjourn.wire.anthropic_blocks import Block, is_call, reply_of
from adjourn.wire.dialect import Frame, FrameKind, StreamEnd
from adjourn.wire.reader import EventReader
from adjourn.wire.sse import SseEvent, as_event


class MessageReader(EventReader):
    """Reads one stream.

    Args:
        tool_name: Under which name the end tool's calls are kept from the client; None to let
            everything pass as it is.
        first: Index that the stream's first block has for the client.
        continues: The message has begun in an earlier stream.
    """

    def __init__(self, tool_name: str | None, first: int = 0, *, continues: bool = False) -> None:
        super().__init__()
        self._tool = tool_name
        self._continues = continues
        self.next_index = first
        """Index that the next block has for the client."""
        self._indexes: dict[int, int | None] = {}
        """By the server's index the client's; None for the end tool's calls."""
        self._blocks: dict[int, Block] = {}
        self._stop_reason: Any = None

    def end(self) -> StreamEnd:
        """Say how the stream ended, its bytes having ended regularly."""
        self._take_rest()
        if not self._close(finished=self._stop_reason is not None):
            return StreamEnd(None, self._cut)
        blocks = [block.whole() for block in self._blocks.values()]
        reply, round_ = reply_of(blocks, self._stop_reason, self._tool)
        last = tuple(self._last)
        if None in self._indexes.values() and not reply.other_calls:
            last = tuple(_stopped(frame) for frame in last)
        return StreamEnd(reply, "", round_, last)

    def _event(self, event: SseEvent) -> list[Frame]:
        body = self._object(event)
        if body is None:
            return []
        if body.get("type") in ("message_delta", "message_stop"):
            self._take_stop(body)
            self._last.append(Frame(event.raw, FrameKind.LAST, event=body))
            return []
        return [self._frame(body, event.raw)]

    def _frame(self, body: dict[str, Any], raw: bytes) -> Frame:
        match body.get("type"):
            case "error":
                self._cut = "the model's server sent an error"
                return Frame(raw, FrameKind.ERROR)
            case "message_start":
                kind = FrameKind.WITHHELD if self._continues else FrameKind.PASS
                return Frame(raw, kind, event=body)
            case "content_block_start" | "content_block_delta" | "content_block_stop":
                return self._of_block(body, raw)
            case _:
                return Frame(raw, FrameKind.PASS)

    def _of_block(self, body: dict[str, Any], raw: bytes) -> Frame:
        index, start, text = body.get("index"), body.get("content_block"), ""
        if not isinstance(index, int):
            return Frame(raw, FrameKind.PASS)
        if body["type"] == "content_block_start":
            if not isinstance(start, dict):
                return Frame(raw, FrameKind.PASS)
            self._begin(index, start)
        elif body["type"] == "content_block_delta" and index in self._blocks:
            delta = body.get("delta")
            text = self._blocks[index].add(delta) if isinstance(delta, dict) else ""
        place = self._indexes.get(index, index)
        if place is None:
            return Frame(b"", FrameKind.WITHHELD)
        if place != index:
            body = {**body, "index": place}
            raw = as_event(body)
        return Frame(raw, FrameKind.PASS, ((0, text),) if text else (), body)

    def _begin(self, index: int, start: dict[str, Any]) -> None:
        self._blocks[index] = Block(start)
        if self._tool and is_call(start, self._tool):
            self._indexes[index] = None
        elif self._tool is None and not self._continues:
            self._indexes[index] = index  # nothing is taken out: nothing is counted anew
            self.next_index = max(self.next_index, index + 1)
        else:
            self._indexes[index] = self.next_index
            self.next_index += 1

    def _take_stop(self, body: dict[str, Any]) -> None:
        delta = body.get("delta")
        if isinstance(delta, dict) and delta.get("stop_reason") is not None:
            self._stop_reason = delta["stop_reason"]
        self.done = self.done or body["type"] == "message_stop"


def _stopped(frame: Frame) -> Frame:
    """The client never sees the end tool's call, so the reply simply stops for it."""
    body = frame.event or {}
    delta = body.get("delta")
    if not isinstance(delta, dict) or delta.get("stop_reason") != "tool_use":
        return frame
    changed = {**body, "delta": {**delta, "stop_reason": "end_turn"}}
    return Frame(as_event(changed), frame.kind, event=changed)
