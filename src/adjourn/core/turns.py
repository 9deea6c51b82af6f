"""The vocabulary of one request: what the exchange is told (events) and what it asks (commands).

One command is under way at a time; the driver carries it out and answers with one event.

=============  =========================================================================
command        events that answer it
=============  =========================================================================
``LookUp``     ``PathFound`` (what a failing store does not know, it does not know)
``Survey``     ``Surveyed``
``Recall``     ``Recalled``
``Assess``     ``AssessmentsMade``
``Forward``    ``ReplyEnded``, ``SentenceReady``, ``ReplyFailed``, ``PassedOn``
``Release``    ``ReplyEnded``, ``SentenceReady``, ``ReplyFailed``
``Record``     ``Recorded``, ``NotRecorded``
``Reply``, ``Finish``, ``Refuse``, ``Fail``, ``Leave``: the exchange is over
=============  =========================================================================

They are named tuples, as each request makes twenty of them and a frozen dataclass takes four times
as long to make. Those without fields are dataclasses: an empty tuple would count as false.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from adjourn.core.assessments import Assessed
from adjourn.core.audiences import Audience
from adjourn.core.entries import Append, EndRecord, NodeRecord
from adjourn.core.messages import Message
from adjourn.core.pause import Resumes
from adjourn.core.policy import EndTool
from adjourn.core.tree import NodeId, Origin, Path


class TurnRequest(NamedTuple):
    """One chat request, free of its dialect."""

    origin: Origin
    messages: Sequence[Message]
    model: str
    at_ms: int
    """When it arrived, milliseconds since the Unix epoch."""
    audience: Audience = Audience.UNKNOWN
    background: bool = False
    """The client marks this as background work, such as a fork of an agent."""
    takes_text: bool = True
    """The gateway may add words of its own; not so where the reply must be JSON."""
    takes_tool: bool = True
    """The end tool may be offered; not so with forced tools or several choices."""
    resources: Callable[[str], str] = lambda _: ""
    """Crisis resources for the user's country, as text in a language."""
    language: str = ""
    """The user's language, as the client says (ISO 639); empty if it does not."""
    accepted: tuple[str, ...] = ()
    """Languages that the client accepts (ISO 639), the most wanted first."""
    statement_link: Callable[[NodeId], str] | None = None
    """Where the statement of reasons for an end at a node is shown; None if nowhere."""
    path: Path | None = None
    """The path of its messages from its origin's root, if the caller has it already."""


class Flow(StrEnum):
    """What happens to the model's words while they arrive."""

    THROUGH = "through"
    """They reach the client at once; only the last frame waits."""
    HOLD = "hold"
    """They wait until the reply has ended, because it may turn out to be an end."""
    SCREEN = "screen"
    """They are released sentence by sentence, each after an assessment."""


class ModelReply(NamedTuple):
    """A reply of the model that ended regularly."""

    texts: tuple[str, ...]
    """Text of each choice."""
    end_calls: int = 0
    """Complete and valid calls of the end tool."""
    other_calls: bool = False
    """Whether it calls other tools, which are the client's business, or is to be gone on with."""
    stray_calls: bool = False
    """Whether it has calls of the end tool that count for nothing: several, or broken ones."""

    @property
    def is_silence(self) -> bool:
        """Whether nothing is left of it once such calls are taken out."""
        return self.stray_calls and not self.other_calls and not "".join(self.texts).strip()


# -- events -------------------------------------------------------------------------------------


class RequestReceived(NamedTuple):
    """The first event."""

    request: TurnRequest


class PathFound(NamedTuple):
    """What the store knows of the path; empty if it cannot say."""

    deepest: NodeRecord | None = None
    end: EndRecord | None = None


class Surveyed(NamedTuple):
    """All recorded nodes of the conversation, with depths."""

    nodes: Sequence[tuple[NodeId, int]]


class Recalled(NamedTuple):
    """All recorded nodes of the path."""

    records: Mapping[NodeId, NodeRecord]


class AssessmentsMade(NamedTuple):
    """For each conversation asked about, what each detector says."""

    answers: Sequence[Sequence[Assessed]]
    pending: bool = False
    """The last conversation's answers are those of the quick detectors; the slow ones still judge
    it. Only as the answer to an ``Assess`` that is not patient."""


class ReplyEnded(NamedTuple):
    """The model's reply ended regularly."""

    reply: ModelReply


class SentenceReady(NamedTuple):
    """With ``Flow.SCREEN``: another piece of the reply waits for release."""

    text: str
    """The reply so far, this piece included."""


class ReplyFailed(NamedTuple):
    """The model could not be reached, or its reply was cut or could not be read."""

    why: str
    texts: tuple[str, ...] = ()
    """What has reached the client, per choice; told only where ``Forward.must_answer`` was."""


@dataclass(frozen=True, slots=True)
class PassedOn:
    """The model's server answered with an error status; the client has got it as it was."""


class Recorded(NamedTuple):
    """The append is durable."""

    end: EndRecord | None = None
    """The end in force, if the append had one."""


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """The append failed, and nothing of it is recorded."""


Event = (
    RequestReceived
    | PathFound
    | Surveyed
    | Recalled
    | AssessmentsMade
    | ReplyEnded
    | SentenceReady
    | ReplyFailed
    | PassedOn
    | Recorded
    | NotRecorded
)

# -- commands -----------------------------------------------------------------------------------


class LookUp(NamedTuple):
    """Ask the store about a path."""

    path: tuple[NodeId, ...]


class Survey(NamedTuple):
    """Ask the store for all nodes of a conversation."""

    root: NodeId


class Recall(NamedTuple):
    """Ask the store for all records of a path."""

    path: tuple[NodeId, ...]


class Assess(NamedTuple):
    """Have the last message of each conversation judged; the last conversation is urgent."""

    conversations: tuple[Sequence[Message], ...]
    patient: bool = True
    """Wait for every detector, or, of the last conversation, for the quick ones alone."""


class Forward(NamedTuple):
    """Send the request to the model."""

    decision: str
    """What has been decided so far, for the reply's headers."""
    node: NodeId | None
    guidance: str | None = None
    """What to tell the model beside the client's messages."""
    tool: EndTool | None = None
    """The end tool, if it is to be offered."""
    tool_result: str | None = None
    """Not None: the model's end call is answered with this, and it speaks again."""
    flow: Flow = Flow.THROUGH
    resources: bool = False
    """Crisis resources go with the reply."""
    must_answer: bool = False
    """If the model gives no reply, the gateway will give one: an error of the model's server is not
    for the client."""
    watch: str | None = None
    """Name under which the model's end calls are to be recognised and kept from the client."""


@dataclass(frozen=True, slots=True)
class Release:
    """Let the pieces that wait reach the client, and read on."""


class Record(NamedTuple):
    """Append to the store."""

    append: Append
    urgent: bool
    """Wait until it is durable; otherwise it may happen beside the reply."""


class Outcome(NamedTuple):
    """What the client is told in headers and in the extension field."""

    decision: str
    node: NodeId | None
    resources: bool = False
    """Crisis resources are attached."""
    end: EndRecord | None = None
    resumes: Resumes | None = None
    """Set where a pause answers in the model's stead."""


class Reply(NamedTuple):
    """Answer with these words; the model's, if any, are dropped."""

    text: str
    outcome: Outcome


class Finish(NamedTuple):
    """Let the rest of the model's reply reach the client, then these words, then the end of it."""

    added: str
    outcome: Outcome
    instead: bool = False
    """The model's words that still wait are dropped (a reply replaced for a minor)."""


class Refuse(NamedTuple):
    """The path is locked."""

    text: str
    end: EndRecord
    outcome: Outcome


class Fail(NamedTuple):
    """The reply failed: say so in the dialect's own error form."""

    why: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing more to do: the client has its answer."""


Command = (
    LookUp
    | Survey
    | Recall
    | Assess
    | Forward
    | Release
    | Record
    | Reply
    | Finish
    | Refuse
    | Fail
    | Leave
)
