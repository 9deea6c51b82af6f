"""The client's side of a streamed reply of OpenAI Chat Completions."""

from collections.abc import Mapping, Sequence
from typing import Any

from adjourn.wire.dialect import ChatRequest, Frame
from adjourn.wire.openai_frames import (
    Template,
    finish_frames,
    new_template,
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
        choices = range(self._request.choices)
        return b"".join(text_frame(template, text, choice) for choice in choices)

    def finish(
        self, seed: str, extension: Mapping[str, Any] | None, last: Sequence[Frame] = ()
    ) -> bytes:
        """Return the frames that end the reply."""
        template, choices = self._template(seed), self._request.choices
        return b"".join(finish_frames(template, extension, last, choices=choices))

    def reply(self, text: str, seed: str, extension: Mapping[str, Any] | None) -> bytes:
        """Return the frames of a reply of the gateway's own."""
        return b"".join(reply_frames(self._template(seed), text, extension))

    def _known(self) -> Template | None:
        return self._reader.template if self._reader else None

    def _template(self, seed: str) -> Template:
        return self._known() or new_template(seed, self._request.model, self._at_s)
