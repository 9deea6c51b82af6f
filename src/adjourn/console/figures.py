"""Live figures and the list of ends, read from the ledger as it grows.

Each call reads only what came since the last one, so that a page costs the same on the first day
and on the thousandth. What is kept: a tally per day, and one short record per end.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from adjourn.core.decisions import Rule
from adjourn.core.entries import Entry, EntryKind, pause_rule
from adjourn.core.tree import NodeId
from adjourn.ports import Store

_BATCH: Final = 5_000
_DAYS_KEPT: Final = 400
_RECENT_KEPT: Final = 2_000
"""Newest turns, on which a changed policy is tried."""


@dataclass(slots=True)
class Day:
    """What happened on one day, UTC."""

    turns: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    ends_by: Counter[str] = field(default_factory=Counter)
    grounds: Counter[str] = field(default_factory=Counter)
    denied_model_requests: int = 0
    locked_requests: int = 0
    pauses: int = 0
    """Pauses that began."""
    unknown: int = 0
    """Turns that no detector could assess."""


@dataclass(frozen=True, slots=True)
class EndSeen:
    """One end, as the list shows it."""

    position: int
    node: NodeId
    at_ms: int
    by: str
    grounds: tuple[str, ...]
    model: str
    audience: str


class Figures:
    """A reader of the ledger that remembers how far it has read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._position = 0
        self.days: dict[str, Day] = {}
        self.ends: dict[NodeId, EndSeen] = {}
        self.recent: deque[Entry] = deque(maxlen=_RECENT_KEPT)

    async def catch_up(self) -> None:
        """Read what came since the last time.

        Raises:
            StoreUnavailable: The store does not answer; what was read before stays.
        """
        while True:
            batch = await self._store.entries(self._position, _BATCH)
            for position, entry in batch:
                self._take(position, entry)
                self._position = position + 1
            if len(batch) < _BATCH:
                return

    @property
    def entries(self) -> int:
        """Number of ledger entries read."""
        return self._position

    def of_last(self, days: int, today: str) -> Day:
        """Return the sum over the last days that anything happened on, today included."""
        kept = sorted(day for day in self.days if day <= today)[-days:]
        return _sum(self.days[day] for day in kept)

    def _take(self, position: int, entry: Entry) -> None:
        day = self.days.setdefault(day_of(entry.at_ms), Day())
        if len(self.days) > _DAYS_KEPT:
            del self.days[min(self.days)]
        if entry.kind is EntryKind.LOCKED:
            day.locked_requests += 1
        if entry.kind is EntryKind.END:
            self.ends[entry.node] = EndSeen(
                position, entry.node, entry.at_ms, entry.requested_by, entry.grounds, entry.model,
                entry.audience,
            )  # fmt: skip
            day.ends_by[entry.requested_by] += 1
        if entry.kind in (EntryKind.TURN, EntryKind.END):
            self.recent.append(entry)
            day.turns += 1
            day.decisions[entry.decision] += 1
            day.grounds.update(entry.grounds)
            day.denied_model_requests += entry.denied_model_requests
            day.pauses += entry.acted and pause_rule(entry) == Rule.PAUSE_BEGAN
            day.unknown += entry.assessment is None


def _sum(days: Iterable[Day]) -> Day:
    total = Day()
    for day in days:
        total.turns += day.turns
        total.decisions.update(day.decisions)
        total.ends_by.update(day.ends_by)
        total.grounds.update(day.grounds)
        total.denied_model_requests += day.denied_model_requests
        total.locked_requests += day.locked_requests
        total.pauses += day.pauses
        total.unknown += day.unknown
    return total


def day_of(at_ms: int) -> str:
    """Return the day (ISO 8601, UTC) of a time in milliseconds since the Unix epoch."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()


def matching(ends: Mapping[NodeId, EndSeen], words: str) -> list[EndSeen]:
    """Return the ends that a search finds, newest first: by node, ground, model, who asked, day."""
    wanted = words.lower().split()

    def text(end: EndSeen) -> str:
        return " ".join((end.node, *end.grounds, end.model, end.by, day_of(end.at_ms))).lower()

    found = [end for end in ends.values() if all(word in text(end) for word in wanted)]
    return sorted(found, key=lambda end: end.position, reverse=True)
