"""What a dialect is: how the gateway reads and writes one API.

A dialect is pure. A streamed reply has two ends: a reader for what the model's server sends, and an
outlet that knows what the client has received so far and can add to it at any point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol

import msgspec

from adjourn.core.policy import EndTool
from adjourn.core.turns import ModelReply
from adjourn.wire.transcript import Transcript


class ChatRequest(NamedTuple):
    """A chat request, as far as adjourn understands it."""

    body: bytes
    fields: Mapping[str, msgspec.Raw]
    """Top-level fields as they came, in order."""
    model: str
    messages: Transcript
    stream: bool = False
    choices: int = 1
    takes_text: bool = True
    takes_tool: bool = True
    tool_names: frozenset[str] = frozenset()
    has_tools: bool = False
    end_user: str = ""
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class ToolRound:
    """A call of the end tool that the gateway has answered."""

    message: bytes
    """The model's message that makes the call, as JSON."""
    call_id: str
    result: str


class WholeReply(NamedTuple):
    """A whole reply, as far as adjourn understands it."""

    reply: ModelReply | None
    """None if it cannot be read."""
    cut: str = ""
    round: tuple[bytes, str] | None = None
    """The model's message with its end call, and the call's id, if exactly one counts."""
    may_call: bool = True
    """It may have calls of tools in it, those of the end tool among them."""


class FrameKind(Enum):
    """What may happen to a frame."""

    PASS = auto()
    """It may reach the client at once."""
    WITHHELD = auto()
    """It carries nothing but calls of the end tool: it never reaches the client."""
    LAST = auto()
    """It ends the reply: it waits until the exchange has decided."""
    ERROR = auto()
    """The model server's own error: it reaches the client, and the turn is cut."""


class Frame(NamedTuple):
    """One server-sent event of a reply, or several in a row that came at once and may pass."""

    raw: bytes
    kind: FrameKind
    texts: tuple[tuple[int, str], ...] = ()
    """Choice index and text of each piece of text."""
    event: Mapping[str, Any] | None = None
    """What it says, where an outlet needs to know."""


class StreamEnd(NamedTuple):
    """How a stream ended."""

    reply: ModelReply | None
    """None if it was cut."""
    cut: str = ""
    round: tuple[bytes, str] | None = None
    """The model's message with its end call, and the call's id, if exactly one counts."""
    last: tuple[Frame, ...] = ()
    """Frames that wait for the decision, in order."""


class Reader(Protocol):
    """Reads one streamed reply of the model."""

    done: bool
    """Whether the reply has ended: nothing after it matters, not even a lost connection."""

    def is_cut(self) -> bool:
        """Tell whether something came that cannot be read, or an error: no more is read."""

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that are complete with them. After a cut, none."""

    def end(self) -> StreamEnd:
        """Say how the stream ended, its bytes having ended regularly."""


class Outlet(Protocol):
    """The client's side of one streamed reply, which may be made of several of the model's."""

    def reader(self, watch: str | None, *, dropped: bool = False) -> Reader:
        """Return the reader of the model's next stream, which continues the reply.

        Args:
            watch: Under which name the end tool's calls are kept from the client; None to let
                everything pass as it is.
            dropped: The frames of the stream before never reached the client.
        """

    def wrote(self, frame: Frame, /) -> None:
        """Take note that a frame has reached the client."""

    def words(self, text: str, seed: str) -> bytes:
        """Return what adds the gateway's words to the reply; ``seed`` names the node answered."""

    def finish(
        self, seed: str, extension: Mapping[str, Any] | None, last: Sequence[Frame] = ()
    ) -> bytes:
        """Return what ends the reply: the model's own last frames, or regular ones."""

    def reply(self, text: str, seed: str, extension: Mapping[str, Any] | None) -> bytes:
        """Return a whole reply of the gateway's own, from where the client is to the end."""


class Dialect(Protocol):
    """How requests and replies of one API are read and written."""

    def parse_request(self, body: bytes) -> ChatRequest:
        """Read a request's body, all but its messages.

        Raises:
            BadRequest: It is not JSON, or not a chat request; one sentence says what to mend.
        """

    def forward_body(
        self,
        request: ChatRequest,
        *,
        guidance: str | None = None,
        tool: EndTool | None = None,
        rounds: Sequence[ToolRound] = (),
    ) -> bytes:
        """Return the body to send to the model: the client's own bytes if nothing is added."""

    def read_reply(self, body: bytes, tool_name: str | None) -> WholeReply:
        """Read a whole reply; end calls are recognised by the tool's name, if it is given."""

    def finish_reply(
        self,
        body: bytes,
        *,
        added: str,
        extension: Mapping[str, Any] | None,
        strip_tool: str | None,
        instead: bool = False,
        before: tuple[str, ...] = (),
    ) -> bytes:
        """Return a whole reply with the gateway's words in it; the same bytes if there are none."""

    def write_reply(
        self,
        request: ChatRequest,
        text: str,
        seed: str,
        at_s: int,
        extension: Mapping[str, Any] | None,
        /,
    ) -> bytes:
        """Return a whole reply of the gateway's own, made ``at_s`` seconds after 1970."""

    def outlet(self, request: ChatRequest, at_s: int, /) -> Outlet:
        """Return the client's side of a streamed reply that begins."""

    def error_body(
        self,
        message: str,
        *,
        type: str,  # noqa: A002 - the dialects' word
        code: str,
        param: str | None = None,
        extension: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return an error in the dialect's form."""

    def error_frame(self, message: str, *, code: str, type: str) -> bytes:  # noqa: A002
        """Return the frame that ends a stream with an error; nothing may follow it."""
