"""Streamed replies of OpenAI Responses: the model's side."""

from typing import Any, Final

from adjourn.wire.dialect import Frame, FrameKind, StreamEnd
from adjourn.wire.reader import EventReader
from adjourn.wire.responses_items import is_call, items_of, reply_of
from adjourn.wire.sse import SseEvent, as_event

_BEGINNINGS: Final = ("response.created", "response.queued", "response.in_progress")
_ENDS: Final = ("response.completed", "response.incomplete")
_SAYS: Final = ("response.output_text.delta", "response.refusal.delta")
_CLOSES: Final = (
    "response.output_text.done",
    "response.refusal.done",
    "response.content_part.done",
    "response.output_item.done",
)
"""Events that say what the client has already been told piece by piece."""


class ResponseReader(EventReader):
    """Reads one stream.

    Args:
        tool_name: Under which name the end tool's calls are kept from the client; None to let
            everything pass as it is.
        first: Index that the stream's first item has for the client.
        sequence: Number that its first event has for the client.
        continues: The reply has begun in an earlier stream.
    """

    def __init__(
        self,
        tool_name: str | None,
        first: int = 0,
        sequence: int = 0,
        *,
        continues: bool = False,
    ) -> None:
        super().__init__()
        self.tool = tool_name
        self._continues = continues
        self.changed = continues
        """Whether items and events are counted anew, because some are missing or came before."""
        self.next_index = first
        self.next_sequence = sequence
        self._indexes: dict[int, int | None] = {}
        """By the server's index the client's; None for the end tool's calls."""
        self._items: list[dict[str, Any]] = []
        self._status: Any = None
        # Among the last frames is what closes the newest message, for words may go into that.

    def end(self) -> StreamEnd:
        """Say how the stream ended, its bytes having ended regularly."""
        self._take_rest()
        if not self._close(finished=self._status is not None):
            return StreamEnd(None, self._cut)
        reply, round_ = reply_of(self._items, self._status, self.tool)
        return StreamEnd(reply, "", round_, tuple(self._last))

    def _event(self, event: SseEvent) -> list[Frame]:
        if (event.data or b"").strip() == b"[DONE]":
            self._last.append(Frame(event.raw, FrameKind.LAST))
            return []
        body = self._object(event)
        if body is None:
            return []
        kind = body.get("type")
        if kind in ("error", "response.failed") or (kind is None and body.get("error")):
            self._cut = "the model's server sent an error"
            return [Frame(event.raw, FrameKind.ERROR)]
        if kind in _ENDS and isinstance(body.get("response"), dict):
            self._take_end(body["response"], str(kind))
            self._last.append(Frame(event.raw, FrameKind.LAST, event=body))
            return []
        return self._passing(body, event.raw)

    def _passing(self, body: dict[str, Any], raw: bytes) -> list[Frame]:
        """Let an event through, after those that waited for it; or let it wait itself."""
        frame = self._frame(body, raw)
        if self.done:
            return [frame]
        if body.get("type") in _CLOSES and self._may_be_the_last(body):
            self._last.append(frame._replace(kind=FrameKind.LAST))
            return []
        held, self._last = self._last, []
        return [*(one._replace(kind=FrameKind.PASS) for one in held), frame]

    def _may_be_the_last(self, body: dict[str, Any]) -> bool:
        """Whether a closing event waits for what comes next. After an end call it does not: another
        round may follow, to which it does not belong."""
        item = body.get("item")
        if None in self._indexes.values():
            return False
        return not isinstance(item, dict) or item.get("type") == "message"

    def _take_end(self, response: dict[str, Any], kind: str) -> None:
        self.done = True
        self._status = response.get("status") or kind.removeprefix("response.")
        self._items = items_of(response) or self._items
        if self.tool and any(is_call(item, self.tool) for item in self._items):
            self.changed = True

    def _frame(self, body: dict[str, Any], raw: bytes) -> Frame:
        kind, index, item = body.get("type"), body.get("output_index"), body.get("item")
        if self._continues and kind in _BEGINNINGS:
            return Frame(b"", FrameKind.WITHHELD)
        if isinstance(index, int):
            if kind == "response.output_item.added" and isinstance(item, dict):
                self._begin(index, item)
            elif kind == "response.output_item.done" and isinstance(item, dict):
                self._items.append(item)
            place = self._indexes.get(index, index)
            if place is None:
                self.changed = True
                return Frame(b"", FrameKind.WITHHELD)
            if place != index:
                body = {**body, "output_index": place}
        sequence = body.get("sequence_number")
        if isinstance(sequence, int):
            if self.changed:
                body = {**body, "sequence_number": self.next_sequence}
            self.next_sequence = body["sequence_number"] + 1
        if self.changed:
            raw = as_event({"type": "message", **body})
        delta = body.get("delta") if kind in _SAYS else None
        texts = ((0, delta),) if isinstance(delta, str) and delta else ()
        return Frame(raw, FrameKind.PASS, texts, body)

    def _begin(self, index: int, item: dict[str, Any]) -> None:
        if self.tool and is_call(item, self.tool):
            self._indexes[index] = None
            return
        if not self.changed:
            self.next_index = max(self.next_index, index)
        self._indexes[index] = self.next_index if self.changed else index
        self.next_index += 1
