"""What is recorded: nodes of paths, ends, and the ledger's entries. Never message text.

The one text kept is the closing reply of an end, which is the gateway's own (from the policy), so
that the same request sent again gets the same answer.
"""

from dataclasses import dataclass
from enum import StrEnum

from adjourn.core.assessments import Assessment
from adjourn.core.decisions import Delivered, Requester, Rule
from adjourn.core.ladder import PathState
from adjourn.core.messages import Role
from adjourn.core.statement import Statement
from adjourn.core.tree import NodeId


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node of a path, with the state of the path up to and including it."""

    node: NodeId
    parent: NodeId
    root: NodeId
    depth: int
    role: Role
    policy_digest: str
    audience: str
    state: PathState
    """State after this node, under the policy and for the audience named beside it."""
    assessment: Assessment | None = None
    """For user messages; None if it is not known."""
    delivered: Delivered | None = None
    """For assistant messages that this gateway delivered (attested); None for all others."""


@dataclass(frozen=True, slots=True)
class EndRecord:
    """An ended node: insert-once, and every path through it is locked until it is reversed."""

    node: NodeId
    root: NodeId
    statement: Statement
    closing: str
    """The closing reply as the client got it."""

    @property
    def by(self) -> Requester:
        """Whose request the end was."""
        return self.statement.requested_by


class EntryKind(StrEnum):
    """Kinds of ledger entry."""

    TURN = "turn"
    END = "end"
    LOCKED = "locked"
    """A message that an ended conversation did not take."""
    APPEAL = "appeal"
    """A step of an appeal: ``decision`` is its state, ``requested_by`` the user or the reviewer."""
    CONSOLE = "console"
    """What somebody did in the console: ``decision`` is the action, ``requested_by`` the user of
    the console, ``rules`` what it was about."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger: what was decided about one user message, and on what."""

    kind: EntryKind
    at_ms: int
    node: NodeId
    parent: NodeId
    policy_digest: str
    audience: str
    decision: str
    rules: tuple[str, ...]
    model: str = ""
    delivered: str = ""
    requested_by: str = ""
    denied_model_requests: int = 0
    """How often the model asked for an end that was not permitted, in this turn."""
    grounds: tuple[str, ...] = ()
    resources_given: bool = False
    assessment: Assessment | None = None
    acted: bool = True
    """False in shadow mode and wherever else the gateway only looked on."""
    conversation: str = ""
    """What tells conversations apart: the root, if the client names its conversations, else the
    first node of the path."""
    policy: str = ""
    """The policy's name and version, for people; what was decided under is the digest."""
    language: str = ""
    """Language of the conversation (ISO 639), if the client says; never guessed."""
    words: str = ""
    """The language chosen for the gateway's own words (ISO 639-1); empty if it had none to say."""


def pause_rule(entry: Entry) -> str:
    """Return the rule by which a pause answered in the model's stead; empty if none did."""
    named = (rule.partition(" ")[0] for rule in entry.rules)
    return next((rule for rule in named if rule in (Rule.PAUSE_BEGAN, Rule.PAUSE_HOLDS)), "")


@dataclass(frozen=True, slots=True)
class Append:
    """What one turn records, all or nothing; each node at most once."""

    nodes: tuple[NodeRecord, ...]
    entry: Entry
    end: EndRecord | None = None
