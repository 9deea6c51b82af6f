"""The figures of a report, made from what was counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adjourn.core.appeals import AppealState
from adjourn.core.decisions import Requester
from adjourn.core.entries import Entry
from adjourn.report.periods import Period
from adjourn.report.rates import Rate, rate_of
from adjourn.report.suppression import Cells, publish
from adjourn.report.tally import Circumstances, Tally

_BY: Final = ("model", "policy", "audience", "language")


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a report says, ready to be published."""

    period: str
    entries: int
    """Entries of the period."""
    conversations: int
    turns: int
    """Messages that were answered; one that is sent again counts again."""
    unassessed: int
    """Turns whose message nobody could judge."""
    looked_on: int
    """Turns in shadow mode or exempt: decided, not acted on."""
    ended: Rate
    """Conversations ended on the policy's grounds."""
    ended_by_user: Rate
    warned: Rate
    warned_then_fine: Rate
    """Of the warned ones, those not ended in the period."""
    redirected: Rate
    supported: Rate
    """Conversations in which somebody may have been in crisis, and help lines were given."""
    model_denied: Rate
    """Conversations in which the model asked for an end and was denied it."""
    ends_by: dict[str, int]
    """Ends, by whose request; a conversation may have several, on different branches."""
    denied_requests: int
    locked_requests: int
    """Messages that ended conversations did not take."""
    resources_given: int
    ends_after_support: int
    """Ends on the policy's grounds in a conversation where support had been given before, on
    whatever branch; on the same branch there is none by law."""
    appeals_filed: int
    appeals_decided: int
    reversed_of_decided: Rate
    """Ends that were reversed, of the appeals decided: the measured rate of false ends."""
    reversed_of_ends: Rate
    """The same, of all ends on the policy's grounds in the period."""
    conversations_by_model: Cells
    conversations_by_language: Cells
    ended_by_ground: Cells
    ended_by_model: Cells
    ended_by_policy: Cells
    ended_by_audience: Cells
    ended_by_language: Cells
    warned_by_ground: Cells
    reversed_by_ground: Cells
    reversed_by_model: Cells
    reversed_by_policy: Cells
    reversed_by_audience: Cells
    reversed_by_language: Cells
    reversed_by_reason: Cells
    pauses: int = 0
    """Pauses that began; none of them is an end."""
    answered_in_pauses: int = 0
    """Messages that got support in the model's stead, because a pause held."""


def figures_of(entries: Iterable[Entry], period: Period, *, tables: bool = True) -> Figures:
    """Return the figures of a period.

    Args:
        entries: The ledger's entries, in order; those of other periods are left out.
        period: The period.
        tables: Whether there are any; without, all of them are empty.
    """
    tally = Tally()
    count = 0
    for entry in entries:
        tally.note(entry)
        if period.holds(entry.at_ms):
            count += 1
            tally.take(entry)
    return Figures(
        period=period.name,
        entries=count,
        **_of_turns(tally),
        **_of_appeals(tally),
        **_tables(tally, tables=tables),
    )


def _of_turns(tally: Tally) -> dict[str, Any]:
    talks = list(tally.conversations.values())
    warned = [talk for talk in talks if talk.warned]

    def rate(name: str) -> Rate:
        return rate_of(sum(bool(getattr(talk, name)) for talk in talks), len(talks))

    return {
        "conversations": len(talks),
        "turns": tally.turns,
        "unassessed": tally.unassessed,
        "looked_on": tally.looked_on,
        "ended": rate("ended"),
        "ended_by_user": rate("ended_by_user"),
        "warned": rate("warned"),
        "warned_then_fine": rate_of(sum(not talk.ended for talk in warned), len(warned)),
        "redirected": rate("redirected"),
        "supported": rate("supported"),
        "model_denied": rate("denied"),
        "ends_by": {str(by): tally.ends_by[by] for by in Requester},
        "denied_requests": tally.denied_requests,
        "locked_requests": tally.locked_requests,
        "resources_given": tally.resources_given,
        "pauses": len(tally.paused_at),
        "answered_in_pauses": tally.answered_in_pauses,
        "ends_after_support": sum(talk.ended_after_support for talk in talks),
    }


def _of_appeals(tally: Tally) -> dict[str, Any]:
    reversals = tally.appeals[AppealState.REVERSED]
    decided = reversals + tally.appeals[AppealState.UPHELD]
    ends = sum(tally.ends_by[by] for by in (Requester.MODEL, Requester.POLICY))
    return {
        "appeals_filed": tally.appeals[AppealState.FILED],
        "appeals_decided": decided,
        "reversed_of_decided": rate_of(reversals, decided),
        "reversed_of_ends": rate_of(min(reversals, ends), ends),
    }


def _tables(tally: Tally, *, tables: bool) -> dict[str, Any]:
    talks = list(tally.conversations.values()) if tables else []
    undone = tally.reversed if tables else []
    return {
        "conversations_by_model": publish((talk.model,) for talk in talks),
        "conversations_by_language": publish((talk.language,) for talk in talks),
        **_by("ended", [talk.ended for talk in talks if talk.ended]),
        "warned_by_ground": publish(talk.warned.grounds for talk in talks if talk.warned),
        **_by("reversed", [ended for ended, _ in undone]),
        "reversed_by_reason": publish((reason,) for _, reason in undone),
    }


def _by(what: str, under: Sequence[Circumstances]) -> dict[str, Cells]:
    singly = {f"{what}_by_{by}": publish((getattr(one, by),) for one in under) for by in _BY}
    return {f"{what}_by_ground": publish(one.grounds for one in under), **singly}
