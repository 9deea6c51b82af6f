"""The way up the ladder of one path, as a picture (SVG) and as the table that says the same.

Built from what is recorded of each node: never a word of what was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adjourn.core.decisions import Delivered
from adjourn.core.entries import EndRecord, NodeRecord
from adjourn.core.ladder import CrisisStatus, PathState
from adjourn.core.messages import Role
from adjourn.core.tree import NodeId
from adjourn.ports import Store

_LONGEST: Final = 400
"""Nodes shown at most, counted from the end."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One message of the path."""

    position: int
    """From 1; user and assistant messages only."""
    role: str
    counted: tuple[str, ...]
    """Grounds that a user message reached; empty if it did not qualify."""
    highest: tuple[str, float] | None
    """The ground that came nearest, and its probability; None if it was not assessed."""
    rung: int
    """0 to 3 after this message: nothing, redirected, redirected often enough, warned."""
    note: str
    """What the gateway delivered, or what kept the ladder from counting."""
    is_forged: bool = False
    """An assistant message that this gateway did not deliver."""


async def read_path(store: Store, node: NodeId) -> list[NodeRecord]:
    """Return the records from the beginning of a path to a node, as far as they are kept.

    Raises:
        StoreUnavailable: The store does not answer.
    """
    found: list[NodeRecord] = []
    record = await store.node(node)
    while record is not None and len(found) < _LONGEST:
        found.append(record)
        record = await store.node(record.parent) if record.parent != record.root else None
    return found[::-1]


def moments_of(records: Sequence[NodeRecord], end: EndRecord, need: int) -> list[Moment]:
    """Return what happened, message by message.

    Args:
        records: The path, from its beginning to the ended node.
        end: The end.
        need: Redirections that come before a warning, from the policy.
    """
    return [_moment(record, end, need) for record in records]


def _moment(record: NodeRecord, end: EndRecord, need: int) -> Moment:
    state = record.state
    rung = 3 if state.warned else 2 if state.redirections >= need else min(state.redirections, 1)
    if record.role is not Role.USER:
        delivered = record.delivered
        note = "not delivered by this gateway" if delivered is None else _WORDS[delivered]
        return Moment(record.depth, "model", (), None, rung, note, is_forged=delivered is None)
    note = "the end answered this" if record.node == end.node else _crisis(state)
    return Moment(record.depth, "user", tuple(sorted(state.grounds)), _highest(record), rung, note)


def _crisis(state: PathState) -> str:
    paused = state.pause is not None and not state.pause.is_over
    return f"{_CRISIS[state.crisis]}, answered by a pause" if paused else _CRISIS[state.crisis]


def _highest(record: NodeRecord) -> tuple[str, float] | None:
    heard = record.assessment
    if heard is None:
        return None
    named = [(str(hazard), p) for hazard, p in heard.hazards.items()]
    return max((*named, ("abuse", heard.abuse)), key=lambda pair: pair[1])


_CRISIS: Final = {
    CrisisStatus.PRESENT: "crisis on the path",
    CrisisStatus.UNKNOWN: "could not be assessed",
    CrisisStatus.CLEAR: "",
}
_WORDS: Final = {
    Delivered.NOTHING: "",
    Delivered.REDIRECTION: "redirection",
    Delivered.WARNING: "warning",
    Delivered.CONFIRM_QUESTION: "asked back",
    Delivered.SUPPORT: "support",
    Delivered.CLOSING: "closing",
}

_STEP: Final = 36
_TOP: Final = 14
_RUNG_HEIGHT: Final = 30
_LEFT: Final = 104
RUNGS: Final = ("nothing", "redirected", "often enough", "warned")


@dataclass(frozen=True, slots=True)
class Picture:
    """Coordinates for the template, in SVG user units."""

    width: int
    height: int
    line: str
    """Points of the line that climbs the ladder."""
    dots: tuple[tuple[int, int, str, Moment], ...]
    """x, y, kind (``counted``, ``user``, ``said``, ``model``) and what it stands for."""
    rungs: tuple[tuple[int, str], ...]
    """y and name of each rung."""


def picture_of(moments: Sequence[Moment]) -> Picture:
    """Lay a path out from left to right, the rungs from bottom to top."""

    def height(rung: int) -> int:
        return _TOP + (len(RUNGS) - 1 - rung) * _RUNG_HEIGHT

    points: list[str] = []
    dots: list[tuple[int, int, str, Moment]] = []
    for place, moment in enumerate(moments):
        x, y = _LEFT + place * _STEP + 10, height(moment.rung)
        points.append(f"{x},{y}")
        if moment.role == "user":
            kind = "counted" if moment.counted else "user"
        else:
            kind = "said" if moment.note and not moment.is_forged else "model"
        dots.append((x, y, kind, moment))
    return Picture(
        width=_LEFT + max(1, len(moments)) * _STEP + 10,
        height=_TOP * 2 + (len(RUNGS) - 1) * _RUNG_HEIGHT + 16,
        line=" ".join(points),
        dots=tuple(dots),
        rungs=tuple((height(rung), name) for rung, name in enumerate(RUNGS)),
    )
