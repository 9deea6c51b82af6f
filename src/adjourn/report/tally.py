"""Counting ledger entries: one pass, and of each conversation only what a report asks about."""

from collections import Counter
from dataclasses import dataclass, field

from adjourn.core.appeals import AppealState
from adjourn.core.decisions import Delivered, Requester, Rule
from adjourn.core.entries import Entry, EntryKind, pause_rule

NOT_SAID = "(not said)"
"""Name in tables for what the client did not say."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under which names of the tables something falls."""

    grounds: tuple[str, ...]
    model: str
    policy: str
    audience: str
    language: str


@dataclass(slots=True)
class Conversation:
    """What happened in one conversation within the period."""

    model: str
    language: str
    warned: Circumstances | None = None
    """Of its first warning."""
    ended: Circumstances | None = None
    """Of its first end on the policy's grounds; other branches may have ended too."""
    ended_by_user: bool = False
    redirected: bool = False
    supported: bool = False
    denied: bool = False
    ended_after_support: bool = False


@dataclass(slots=True)
class Tally:
    """Counts under way. ``note`` every entry of the ledger, ``take`` those of the period."""

    conversations: dict[str, Conversation] = field(default_factory=dict)
    turns: int = 0
    unassessed: int = 0
    looked_on: int = 0
    denied_requests: int = 0
    locked_requests: int = 0
    resources_given: int = 0
    paused_at: set[str] = field(default_factory=set)
    """Nodes of the messages that pauses began with."""
    answered_in_pauses: int = 0
    ends_by: Counter[str] = field(default_factory=Counter)
    appeals: Counter[str] = field(default_factory=Counter)
    """Steps of appeals, by the state they led to."""
    reversed: list[tuple[Circumstances, str]] = field(default_factory=list)
    """Of the ends that were reversed, and the reviewer's reason."""
    _ends: dict[str, Circumstances] = field(default_factory=dict)
    """Of every end so far, of whatever period: an appeal may come later."""

    def note(self, entry: Entry) -> None:
        """Remember what later entries refer to."""
        if entry.kind is EntryKind.END:
            self._ends[entry.node] = circumstances(entry)

    def take(self, entry: Entry) -> None:
        """Count one entry."""
        if entry.kind is EntryKind.LOCKED:
            self.locked_requests += 1
        elif entry.kind is EntryKind.APPEAL:
            self._appeal(entry)
        elif entry.kind is not EntryKind.CONSOLE:
            self._turn(entry)

    def _turn(self, entry: Entry) -> None:
        talk = self.conversations.setdefault(
            entry.conversation or entry.node,
            Conversation(entry.model or NOT_SAID, entry.language or NOT_SAID),
        )
        self.turns += 1
        self.unassessed += entry.assessment is None
        self.looked_on += not entry.acted
        self.denied_requests += entry.denied_model_requests
        self.resources_given += entry.resources_given
        # Support is given even where the gateway may not add words of its own.
        talk.supported |= entry.resources_given
        if not entry.acted:
            return
        talk.denied |= entry.denied_model_requests > 0
        rule = pause_rule(entry)
        self.answered_in_pauses += bool(rule)
        if rule == Rule.PAUSE_BEGAN:
            self.paused_at.add(entry.node)
        talk.redirected |= entry.delivered == Delivered.REDIRECTION
        if entry.delivered == Delivered.WARNING and talk.warned is None:
            talk.warned = circumstances(entry)
        if entry.kind is EntryKind.END:
            self._end(entry, talk)

    def _end(self, entry: Entry, talk: Conversation) -> None:
        self.ends_by[entry.requested_by] += 1
        if entry.requested_by == Requester.USER:
            talk.ended_by_user = True
            return
        talk.ended = talk.ended or circumstances(entry)
        talk.ended_after_support |= talk.supported

    def _appeal(self, entry: Entry) -> None:
        self.appeals[entry.decision] += 1
        if entry.decision == AppealState.REVERSED and entry.node in self._ends:
            reason = entry.rules[0] if entry.rules else NOT_SAID
            self.reversed.append((self._ends[entry.node], reason))


def circumstances(entry: Entry) -> Circumstances:
    """Return under which names an entry falls."""
    version = f"{entry.policy} ({entry.policy_digest[:8]})" if entry.policy else ""
    return Circumstances(
        entry.grounds,
        entry.model or NOT_SAID,
        version or entry.policy_digest[:16] or NOT_SAID,
        str(entry.audience) or NOT_SAID,
        entry.language or NOT_SAID,
    )
