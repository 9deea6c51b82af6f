"""The figures of a report, counted from ledger entries.

One pass over the entries; what is kept is small: a few bits for each conversation of the period.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from adjourn.core.appeals import AppealState
from adjourn.core.decisions import Delivered, Requester
from adjourn.core.entries import Entry, EntryKind
from adjourn.report.periods import Period
from adjourn.report.rates import Rate, rate_of
from adjourn.report.suppression import published

Cells = dict[str, int | None]


@dataclass(slots=True)
class _Conversation:
    warned: bool = False
    ended: bool = False
    ended_by_user: bool = False
    redirected: bool = False
    supported: bool = False
    denied: bool = False
    ended_after_support: bool = False


@dataclass(slots=True)
class Tally:
    """Counts under way."""

    conversations: dict[str, _Conversation] = field(default_factory=dict)
    messages: int = 0
    unassessed: int = 0
    looked_on: int = 0
    """Messages in shadow mode or of exempt background work: decided, not acted on."""
    denied_requests: int = 0
    locked_requests: int = 0
    resources_given: int = 0
    ends_by: Counter[str] = field(default_factory=Counter)
    ends_by_ground: Counter[str] = field(default_factory=Counter)
    ends_by_model: Counter[str] = field(default_factory=Counter)
    ends_by_policy: Counter[str] = field(default_factory=Counter)
    ends_by_audience: Counter[str] = field(default_factory=Counter)
    warnings_by_ground: Counter[str] = field(default_factory=Counter)
    appeals: Counter[str] = field(default_factory=Counter)
    """Steps of appeals, by the state they led to."""
    reversals_by_ground: Counter[str] = field(default_factory=Counter)
    reversals_by_reason: Counter[str] = field(default_factory=Counter)
    grounds_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Grounds of every end so far, of whatever period: an appeal may come later."""

    def note(self, entry: Entry) -> None:
        """Remember what later entries refer to."""
        if entry.kind is EntryKind.END:
            self.grounds_of[entry.node] = entry.grounds

    def take(self, entry: Entry) -> None:
        """Count one entry."""
        if entry.kind is EntryKind.LOCKED:
            self.locked_requests += 1
        if entry.kind is EntryKind.APPEAL:
            self._appeal(entry)
        if entry.kind not in (EntryKind.TURN, EntryKind.END):
            return
        talk = self.conversations.setdefault(entry.conversation or entry.node, _Conversation())
        self.messages += 1
        self.unassessed += entry.assessment is None
        self.looked_on += not entry.acted
        self.denied_requests += entry.denied_model_requests
        self.resources_given += entry.resources_given
        if not entry.acted:
            return
        talk.denied |= entry.denied_model_requests > 0
        talk.redirected |= entry.delivered == Delivered.REDIRECTION
        talk.supported |= entry.decision == "support"
        if entry.delivered == Delivered.WARNING:
            talk.warned = True
            self.warnings_by_ground.update(entry.grounds)
        if entry.kind is EntryKind.END:
            self._end(entry, talk)

    def _appeal(self, entry: Entry) -> None:
        self.appeals[entry.decision] += 1
        if entry.decision == AppealState.REVERSED:
            self.reversals_by_ground.update(self.grounds_of.get(entry.node, ()))
            self.reversals_by_reason.update(entry.rules)

    def _end(self, entry: Entry, talk: _Conversation) -> None:
        self.ends_by[entry.requested_by] += 1
        if entry.requested_by == Requester.USER:
            talk.ended_by_user = True
            return
        talk.ended = True
        talk.ended_after_support |= talk.supported
        self.ends_by_ground.update(entry.grounds)
        self.ends_by_model[entry.model] += 1
        self.ends_by_policy[entry.policy_digest[:16]] += 1
        self.ends_by_audience[entry.audience] += 1


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a report says, ready to be published."""

    period: str
    entries: int
    """Entries of the period."""
    conversations: int
    messages: int
    unassessed: int
    looked_on: int
    ended: Rate
    """Conversations ended on the policy's grounds."""
    ended_by_user: Rate
    warned: Rate
    warned_then_fine: Rate
    """Of the warned ones, those not ended afterwards."""
    redirected: Rate
    supported: Rate
    """Conversations in which somebody may have been in crisis."""
    model_denied: Rate
    """Conversations in which the model asked for an end and was denied it."""
    ends_by: dict[str, int]
    denied_requests: int
    locked_requests: int
    resources_given: int
    ends_after_support: int
    """Ends on the policy's grounds in a conversation where support had been given before, on
    whatever branch; on the same branch there is none by law."""
    ends_by_ground: Cells
    warnings_by_ground: Cells
    ends_by_model: Cells
    ends_by_policy: Cells
    ends_by_audience: Cells
    appeals_filed: int
    appeals_decided: int
    reversed_of_decided: Rate
    """Ends that were reversed, of the appeals decided: the measured rate of false ends."""
    reversed_of_ends: Rate
    """The same, of all ends on the policy's grounds in the period."""
    reversals_by_ground: Cells
    reversals_by_reason: Cells


def figures_of(entries: Iterable[Entry], period: Period) -> Figures:
    """Return the figures of a period.

    Args:
        entries: The ledger's entries, in order; those of other periods are left out.
        period: The period.
    """
    tally = Tally()
    count = 0
    for entry in entries:
        tally.note(entry)
        if period.holds(entry.at_ms):
            count += 1
            tally.take(entry)
    return _published(tally, count, period)


def _published(tally: Tally, entries: int, period: Period) -> Figures:
    talks = list(tally.conversations.values())

    def rate(name: str) -> Rate:
        return rate_of(sum(getattr(talk, name) for talk in talks), len(talks))

    warned = [talk for talk in talks if talk.warned]
    return Figures(
        period=period.name,
        entries=entries,
        conversations=len(talks),
        messages=tally.messages,
        unassessed=tally.unassessed,
        looked_on=tally.looked_on,
        ended=rate("ended"),
        ended_by_user=rate("ended_by_user"),
        warned=rate("warned"),
        warned_then_fine=rate_of(sum(not talk.ended for talk in warned), len(warned)),
        redirected=rate("redirected"),
        supported=rate("supported"),
        model_denied=rate("denied"),
        ends_by={str(by): tally.ends_by[by] for by in Requester},
        denied_requests=tally.denied_requests,
        locked_requests=tally.locked_requests,
        resources_given=tally.resources_given,
        ends_after_support=sum(talk.ended_after_support for talk in talks),
        ends_by_ground=published(tally.ends_by_ground),
        warnings_by_ground=published(tally.warnings_by_ground),
        ends_by_model=published(tally.ends_by_model),
        ends_by_policy=published(tally.ends_by_policy),
        ends_by_audience=published(tally.ends_by_audience),
        **_appeals(tally),
    )


def _appeals(tally: Tally) -> dict[str, Any]:
    reversals = tally.appeals[AppealState.REVERSED]
    decided = reversals + tally.appeals[AppealState.UPHELD]
    ends = sum(tally.ends_by[by] for by in (Requester.MODEL, Requester.POLICY))
    return {
        "appeals_filed": tally.appeals[AppealState.FILED],
        "appeals_decided": decided,
        "reversed_of_decided": rate_of(reversals, decided),
        "reversed_of_ends": rate_of(min(reversals, ends), ends),
        "reversals_by_ground": published(tally.reversals_by_ground),
        "reversals_by_reason": published(tally.reversals_by_reason),
    }
