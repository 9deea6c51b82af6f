"""Streamed replies of OpenAI Responses: the client's side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adjourn.wire.dialect import ChatRequest, Frame
from adjourn.wire.responses_items import empty_message, items_of, text_part, without_calls
from adjourn.wire.responses_stream import ResponseReader
from adjourn.wire.responses_whole import own_response
from adjourn.wire.sse import as_event

_SAYING: Final = ("output_text", "refusal")
"""Types of the parts that say something."""


@dataclass(slots=True)
class _Open:
    """The item that the client is being told."""

    index: int
    item: Mapping[str, Any]
    content: list[Any] = field(default_factory=list)
    """Parts that are finished."""
    part: int | None = None
    """Index of the part that is not finished, if there is one that says something."""
    kind: str = ""
    """That part's type."""
    text: str = ""

    def place(self) -> dict[str, Any]:
        """Return where the part that is not finished is."""
        ident = self.item.get("id", "")
        return {"item_id": ident, "output_index": self.index, "content_index": self.part}

    def another_part(self) -> list[dict[str, Any]]:
        """Return the events that begin a part of text, after the end of the one that is open."""
        events: list[dict[str, Any]] = []
        at = len(self.content)
        if self.part is not None:
            events, at = self.ended_part()[1], self.part + 1
        added = {**self.place(), "content_index": at, "part": text_part("")}
        return [*events, {"type": "response.content_part.added", **added}]

    def ended_part(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the part as it is when finished, and the events that finish it."""
        if self.kind == "refusal":
            part = {"type": "refusal", "refusal": self.text}
            told: dict[str, Any] = {"type": "response.refusal.done", "refusal": self.text}
        else:
            part = text_part(self.text)
            told = {"type": "response.output_text.done", "text": self.text, "logprobs": []}
        end = {"type": "response.content_part.done", "part": part}
        return part, [{**one, **self.place()} for one in (told, end)]


def _ends(frame: Frame) -> bool:
    """Whether one of the last frames ends the response, rather than its newest message."""
    return frame.event is not None and isinstance(frame.event.get("response"), dict)


class ResponseOutlet:
    """One streamed reply: knows whether it has begun, what the client has and what is open.

    Args:
        request: What is answered.
        at_s: When, seconds since the Unix epoch.
    """

    def __init__(self, request: ChatRequest, at_s: int) -> None:
        self._model = request.model
        self._at_s = at_s
        self._reader: ResponseReader | None = None
        self._begun: Mapping[str, Any] | None = None
        """The response as the client was told that it begins."""
        self._sequence = 0
        self._next = 0
        self._items: list[dict[str, Any]] = []
        """Items that the client has, finished."""
        self._before = 0
        """How many of them are of earlier streams."""
        self._own: list[dict[str, Any]] = []
        """Items that the gateway finished."""
        self._added = False
        """Whether words of the gateway's are in the item that is open."""
        self._open: _Open | None = None

    def reader(self, watch: str | None, *, dropped: bool = False) -> ResponseReader:
        """Return the reader of the model's next stream, which continues the reply."""
        before, begun = self._reader, self._begun is not None
        if before is None or dropped:
            reader = ResponseReader(watch, self._next, self._sequence, continues=begun)
        else:
            at = (before.next_index, before.next_sequence)
            reader = ResponseReader(watch, *at, continues=True)
        self._reader, self._before = reader, len(self._items)
        return reader

    def wrote(self, frame: Frame) -> None:
        """Take note that a frame has reached the client."""
        if frame.event is not None:
            self._note(frame.event)

    def words(self, text: str, seed: str) -> bytes:
        """Return the events that add the gateway's words to the message that is open, if one is."""
        head = self._written(self._beginning(seed))
        if self._open is None or self._open.item.get("type") != "message":
            head += self._written(self._closing())
            head += self._written(self._opening(seed))
        elif self._open.kind != "output_text":
            head += self._written(self._open.another_part())
        self._added = True
        place = self._open.place() if self._open else {}
        delta = {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []}
        return head + self._written([delta])

    def finish(
        self, seed: str, extension: Mapping[str, Any] | None, last: Sequence[Frame] = ()
    ) -> bytes:
        """Return the events that end the reply: the model's own last ones, or regular ones."""
        reader = self._reader
        if last and reader and not (extension or reader.changed or self._own or self._added):
            return b"".join(frame.raw for frame in last)
        head = self._written(self._beginning(seed))
        theirs = [one.event for one in last if one.event and not _ends(one)]
        closing = b"" if self._added else self._written(theirs)
        closing += self._written(self._closing())
        told = {"adjourn": extension} if extension else {}
        if not last or reader is None:
            response = {**(self._begun or {}), "status": "completed", "output": self._items, **told}
            end = {"type": "response.completed", "response": response}
            return head + closing + self._written([end])
        ends = [one for one in last if not one.event or _ends(one)]
        return head + closing + b"".join(self._ended(frame, reader.tool, told) for frame in ends)

    def reply(self, text: str, seed: str, extension: Mapping[str, Any] | None) -> bytes:
        """Return a whole reply of the gateway's own, from where the client is to the end."""
        return self.words(text, seed) + self.finish(seed, extension)

    def _ended(self, frame: Frame, tool: str | None, told: Mapping[str, Any]) -> bytes:
        """Return one of the model's last events, with what the client has in its response."""
        if frame.event is None:
            return frame.raw
        response = frame.event["response"]
        own = {str(item.get("id")): item for item in self._own}
        items = items_of(response) or self._items[self._before :]
        said = [own.pop(str(item.get("id")), item) for item in without_calls(items, tool)]
        output = [*self._items[: self._before], *said, *own.values()]
        ident = (self._begun or response).get("id")
        changed = {**response, "id": ident, "output": output, **told}
        return self._written([{**frame.event, "response": changed}])

    def _beginning(self, seed: str) -> list[dict[str, Any]]:
        """Return the event that begins the reply, if it has not begun."""
        if self._begun is not None:
            return []
        response = own_response(seed, self._model, self._at_s)
        return [{"type": "response.created", "response": response}]

    def _opening(self, seed: str) -> list[dict[str, Any]]:
        index, ident = self._next, f"msg_adjourn_{seed[:24]}_{self._next}"
        place = {"item_id": ident, "output_index": index, "content_index": 0}
        item, part = empty_message(ident), text_part("")
        return [
            {"type": "response.output_item.added", "output_index": index, "item": item},
            {"type": "response.content_part.added", **place, "part": part},
        ]

    def _closing(self) -> list[dict[str, Any]]:
        """Return the events that finish the item which is open."""
        if self._open is None:
            return []
        item, content = dict(self._open.item), self._open.content
        events: list[dict[str, Any]] = []
        if self._open.part is not None:
            part, events = self._open.ended_part()
            content = [*content, part]
        if item.get("type") == "message":
            item.update(status="completed", content=content)
        else:
            item["status"] = "incomplete"
        index = self._open.index
        self._own.append(item)
        end = {"type": "response.output_item.done", "output_index": index, "item": item}
        return [*events, end]

    def _written(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        raw = b""
        for event in events:
            numbered = {**event, "sequence_number": self._sequence}
            self._note(numbered)
            raw += as_event(numbered)
        return raw

    def _note(self, event: Mapping[str, Any]) -> None:
        sequence = event.get("sequence_number")
        if isinstance(sequence, int):
            self._sequence = sequence + 1
        item, index = event.get("item"), event.get("output_index")
        kind = event.get("type")
        if kind == "response.created" and isinstance(event.get("response"), dict):
            self._begun = event["response"]
        elif kind == "response.output_item.added":
            if isinstance(item, dict) and isinstance(index, int):
                self._open, self._next = _Open(index, item), index + 1
        elif kind == "response.output_item.done":
            if isinstance(item, dict):
                self._items.append(item)
            self._open = None
        elif self._open is not None and index == self._open.index:
            self._note_part(self._open, event)

    @staticmethod
    def _note_part(open_: _Open, event: Mapping[str, Any]) -> None:
        kind, part, at = event.get("type"), event.get("part"), event.get("content_index")
        said = part.get("type") if isinstance(part, dict) else None
        if kind == "response.content_part.added" and said in _SAYING and isinstance(at, int):
            open_.part, open_.kind, open_.text = at, said, ""
        elif kind in ("response.output_text.delta", "response.refusal.delta"):
            open_.text += str(event.get("delta", ""))
        elif kind == "response.content_part.done":
            open_.content.append(part)
            open_.part, open_.kind = None, ""
