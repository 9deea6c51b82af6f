"""The client's side of a streamed reply of OpenAI Chat Completions."""

from collections.abc import Mapping, Sequence
from typing import Any

from adjourn.wire.dialect import ChatRequest, Frame
from adjourn.wire.openai_frames import (
    DONE,
    Template,
    finish_frames,
    new_template,
    own_choices,
    reply_frames,
    text_frame,
)
from adjourn.wire.openai_stream import StreamReader


class ChatOutlet:
    """One streamed reply; all its chunks have the ids of the first.

    Args:
        request: What is answered.
        at_s: When, seconds since the Unix epoch.
    """

    def __init__(self, request: ChatRequest, at_s: int) -> None:
        self._request = request
        self._at_s = at_s
        self._reader: StreamReader | None = None
        self._wrote = False

    def reader(self, watch: str | None, *, dropped: bool = False) -> StreamReader:
        """Return the reader of the model's next stream."""
        continued = None if dropped and not self._wrote else self._known()
        self._reader = StreamReader(watch, continued)
        return self._reader

    def wrote(self, _: Frame) -> None:
        """Take note that a frame has reached the client."""
        self._wrote = True

    def words(self, text: str, seed: str) -> bytes:
        """Return the frames that add the gateway's words to every choice."""
        template = self._template(seed)
        return b"".join(text_frame(template, text, choice) for choice in range(self._choices))

    def finish(
        self, seed: str, extension: Mapping[str, Any] | None, last: Sequence[Frame] = ()
    ) -> bytes:
        """Return the frames that end the reply, a closing mark included.

        A reply that is whole may come without its mark: clients that wait for one would take it
        for cut.
        """
        frames = finish_frames(self._template(seed), extension, last, choices=self._choices)
        is_marked = not last or (self._reader is not None and self._reader.done)
        return b"".join(frames if is_marked else [*frames, DONE])

    def reply(self, text: str, seed: str, extension: Mapping[str, Any] | None) -> bytes:
        """Return the frames of a reply of the gateway's own."""
        frames = reply_frames(self._template(seed), text, extension, choices=self._choices)
        return b"".join(frames)

    @property
    def _choices(self) -> int:
        """How many choices the reply has: what the model gave counts, not what was asked for."""
        return (self._reader.choices if self._reader else 0) or own_choices(self._request.choices)

    def _known(self) -> Template | None:
        return self._reader.template if self._reader else None

    def _template(self, seed: str) -> Template:
        return self._known() or new_template(seed, self._request.model, self._at_s)
