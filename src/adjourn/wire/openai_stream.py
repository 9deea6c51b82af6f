"""Reading a streamed reply: which frames may pass, which wait, and what was said in the end."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Annotated, Any, Final

import msgspec

from adjourn.core.turns import ModelReply
from adjourn.wire.dialect import Frame, FrameKind, StreamEnd
from adjourn.wire.openai_calls import Call, the_one_end_call
from adjourn.wire.openai_frames import Template, as_event
from adjourn.wire.reader import EventReader
from adjourn.wire.sse import SseEvent

_NOT_COMMON: Final = frozenset({"choices", "usage", "object", "adjourn"})
_MOST_CHOICES: Final = 1024


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta
    index: Annotated[int, msgspec.Meta(ge=0, lt=_MOST_CHOICES)] = 0
    finish_reason: None = None


class _TextChunk(msgspec.Struct, gc=False):
    """A piece of one choice's text and nothing else, as nearly all chunks are."""

    choices: tuple[_Choice]
    error: None = None


_decode_text = msgspec.json.Decoder(_TextChunk).decode


class StreamReader(EventReader):
    """Reads one stream.

    Args:
        tool_name: Under which name the end tool's calls are kept from the client; None to let
            everything pass as it is.
        template: That of an earlier round, which this stream continues: ids are made the same and
            the role is not said again.
    """

    def __init__(self, tool_name: str | None, template: Template | None = None) -> None:
        super().__init__()
        self._tool = tool_name
        self._continues = template
        self.template = template
        self._said: list[tuple[int, str]] = []
        """Choice and text of each piece."""
        self._finishes: dict[int, str | None] = {}
        self._calls: dict[tuple[int, int], Call] = {}
        self._ours: set[tuple[int, int]] = set()
        """Which calls (choice, index) are the end tool's."""
        self._held: dict[tuple[int, int], list[Frame]] = {}
        """By call, frames with its pieces while its name is not known."""
        self._freed: list[Frame] = []
        """Frames that were held and turned out to be the client's."""
        self._others = False

    @property
    def choices(self) -> int:
        """How many choices there are, as far as the stream has told."""
        return max(self._finishes, default=-1) + 1

    def end(self) -> StreamEnd:
        """Say how the stream ended, its bytes having ended regularly."""
        self._take_rest()
        finished = bool(self._finishes) and all(self._finishes.values())
        whole = self._close(finished=finished or (self.done and bool(self._finishes)))
        if not whole or self.template is None:
            return StreamEnd(None, self._cut)
        by_choice: list[list[str]] = [[] for _ in range(self.choices)]
        for choice, text in self._said:
            by_choice[choice].append(text)
        texts = tuple(map("".join, by_choice))
        calls = [call for (choice, _), call in self._calls.items() if choice == 0]
        call = self._tool and the_one_end_call(
            calls, self._tool, other_calls=self._others, finish=self._finishes.get(0)
        )
        stray = bool(self._ours) and not call
        reply = ModelReply(texts, 1 if call else 0, self._others, stray)
        last = tuple(self._last)
        if self._ours and not self._others:
            last = tuple(_stopped(frame) for frame in last)
        return StreamEnd(reply, "", call.round(texts[0]) if call else None, last)

    def _run(self, events: Sequence[SseEvent], at: int) -> tuple[int, list[Frame]]:
        """Take pieces of text in a row as one frame: of long streams they are nearly all."""
        if self.template is None or self._continues is not None:
            return super()._run(events, at)
        said = _pieces_of_text(islice(events, at, None))
        if not said:
            return super()._run(events, at)
        after = at + len(said)
        for index in {index for index, _ in said}:
            self._finishes.setdefault(index, None)
        spoken = [piece for piece in said if piece[1]]
        self._said += spoken
        raw = b"".join([event.raw for event in events[at:after]])
        return after, [Frame(raw, FrameKind.PASS, tuple(spoken))]

    def _event(self, event: SseEvent) -> list[Frame]:
        frames = self._read(event)
        if self._freed:
            frames, self._freed = [*self._freed, *frames], []
        return frames

    def _read(self, event: SseEvent) -> list[Frame]:
        data = event.data or b""
        if data.strip() == b"[DONE]":
            self.done = True
            self._last.append(Frame(event.raw, FrameKind.LAST))
            return []
        chunk = self._object(event)
        if chunk is None:
            return []
        if chunk.get("error"):
            self._cut = "the model's server sent an error"
            return [Frame(event.raw, FrameKind.ERROR)]
        return self._chunk(chunk, event.raw)

    def _chunk(self, chunk: dict[str, Any], raw: bytes) -> list[Frame]:
        if self.template is None:
            self.template = Template({k: v for k, v in chunk.items() if k not in _NOT_COMMON})
        choices = [c for c in _list(chunk.get("choices")) if isinstance(c, dict)]
        texts = tuple(piece for choice in choices for piece in self._text(choice))
        finishing = [choice for choice in choices if choice.get("finish_reason")]
        ours = self._take_calls(choices) if self._tool else False
        if finishing:
            self._free(*self._held)  # more of their names does not come
        for choice in choices:
            self._note_calls(choice)
        changed = self._continues is not None
        if changed:
            chunk = {**chunk, **(self._continues.fields if self._continues else {})}
            _forget_role(choices)
        if not finishing and not ours and not changed:
            if not choices and all(self._finishes.values()) and self._finishes:
                self._last.append(Frame(raw, FrameKind.LAST))  # the usage, after the finish
                return []
            return [Frame(raw, FrameKind.PASS, texts)]
        return self._split(chunk, choices, finishing, texts, raw, changed=changed or ours)

    def _split(
        self,
        chunk: dict[str, Any],
        choices: list[dict[str, Any]],
        finishing: list[dict[str, Any]],
        texts: tuple[tuple[int, str], ...],
        raw: bytes,
        *,
        changed: bool,
    ) -> list[Frame]:
        """Part what may pass from what must wait: the finish reason, and the end tool's calls."""
        says = [choice for choice in choices if _says_something(choice)]
        frames: list[Frame] = []
        if says and (finishing or changed):
            passing = [{**choice, "finish_reason": None} for choice in says]
            body = {k: v for k, v in chunk.items() if not (finishing and k == "usage")}
            frames = [Frame(as_event({**body, "choices": passing}), FrameKind.PASS, texts)]
        if finishing:
            if says or changed:
                ends = [{**choice, "delta": {}} for choice in finishing]
                raw = as_event({**chunk, "choices": ends})
            self._last.append(Frame(raw, FrameKind.LAST))
        elif not choices:
            frames.append(Frame(as_event(chunk), FrameKind.PASS))
        elif not frames:
            frames = [Frame(b"", FrameKind.WITHHELD)]
        return frames

    def _text(self, choice: dict[str, Any]) -> list[tuple[int, str]]:
        index = _index(choice)
        self._finishes.setdefault(index, None)
        if isinstance(choice.get("finish_reason"), str):
            self._finishes[index] = choice["finish_reason"]
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return []
        pieces = [delta.get("content"), delta.get("refusal")]
        found = [(index, piece) for piece in pieces if isinstance(piece, str) and piece]
        self._said += found
        return found

    def _take_calls(self, choices: list[dict[str, Any]]) -> bool:
        """Take the end tool's pieces out of the choices; say whether there were any."""
        taken = False
        for choice in choices:
            delta = choice.get("delta")
            if not isinstance(delta, dict):
                continue
            pieces = _list(delta.get("tool_calls"))
            kept = [piece for piece in pieces if not self._is_ours(choice, piece)]
            if len(kept) != len(pieces):
                taken = True
                delta["tool_calls"] = kept
                if not kept:
                    del delta["tool_calls"]
        return taken

    def _is_ours(self, choice: dict[str, Any], piece: Any) -> bool:
        """Whether a piece must be kept from the client, now or until its call's name is known."""
        if not isinstance(piece, dict) or self._tool is None:
            return False
        place = (_index(choice), _index(piece))
        call = self._calls.setdefault(place, Call())
        if call.name and not self._tool.startswith(call.name) and _names(piece, self._tool):
            call = self._calls[place] = Call()  # some servers give every call the same index
        call.add(piece)
        if place in self._ours or call.name == self._tool:
            self._ours.add(place)  # for good: what is added to the name only spoils the call
            self._held.pop(place, None)
            return True
        if self._tool.startswith(call.name) and not (call.name and call.arguments):
            self._hold(place, piece)
            return True
        self._free(place)
        return False

    def _hold(self, place: tuple[int, int], piece: Any) -> None:
        """Keep a piece of a call whose name is not known yet."""
        held = {"index": place[0], "delta": {"tool_calls": [piece]}, "finish_reason": None}
        common = self.template.fields if self.template else {}
        body = {**common, "object": "chat.completion.chunk", "choices": [held]}
        self._held.setdefault(place, []).append(Frame(as_event(body), FrameKind.PASS))

    def _free(self, *places: tuple[int, int]) -> None:
        """Let calls go on that turned out to be the client's, before the frame at hand."""
        for place in places:
            if place in self._held:
                self._freed += self._held.pop(place)
                self._others = True

    def _note_calls(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta")
        if isinstance(delta, dict) and (
            _list(delta.get("tool_calls")) or delta.get("function_call")
        ):
            self._others = True


def _stopped(frame: Frame) -> Frame:
    """The client never sees the end tool's call, so the reply simply stops for it."""
    raw = frame.raw.replace(b'"finish_reason":"tool_calls"', b'"finish_reason":"stop"')
    raw = raw.replace(b'"finish_reason": "tool_calls"', b'"finish_reason": "stop"')
    return Frame(raw, frame.kind)


def _pieces_of_text(events: Iterable[SseEvent]) -> list[tuple[int, str]]:
    """Return choice and text of each chunk, up to the first that may be more than text."""
    said: list[tuple[int, str]] = []
    try:
        for _, data, _ in events:
            if data is None:
                break
            (choice,) = _decode_text(data).choices
            said.append((choice.index, choice.delta.content or ""))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass  # what follows is read with more care
    return said


def _says_something(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta")
    return isinstance(delta, dict) and any(value not in (None, "", []) for value in delta.values())


def _forget_role(choices: list[dict[str, Any]]) -> None:
    for choice in choices:
        if isinstance(choice.get("delta"), dict):
            choice["delta"].pop("role", None)


def _names(piece: dict[str, Any], tool: str) -> bool:
    function = piece.get("function")
    return isinstance(function, dict) and function.get("name") == tool


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _index(thing: dict[str, Any]) -> int:
    index = thing.get("index")
    return index if isinstance(index, int) and 0 <= index < _MOST_CHOICES else 0
