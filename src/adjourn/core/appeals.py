"""Appeals: a user objects to an end, a reviewer looks at it, and upholds or reverses it."""

from dataclasses import dataclass
from enum import StrEnum

from adjourn.core.tree import NodeId


class AppealState(StrEnum):
    """Where an appeal stands; it goes down this list and never back."""

    FILED = "filed"
    ACKNOWLEDGED = "acknowledged"
    UPHELD = "upheld"
    """The end stands."""
    REVERSED = "reversed"
    """The end is undone: the conversation is open again."""

    @property
    def is_decided(self) -> bool:
        """Whether it is over."""
        return self in (AppealState.UPHELD, AppealState.REVERSED)


class AppealReason(StrEnum):
    """Why it was decided so; this much stands in the ledger and the report."""

    CONFIRMED = "confirmed"
    MISREAD = "misread"
    """The messages were not what they were taken for."""
    CONTEXT = "context"
    """They were, but the context made them harmless: fiction, quotation, play."""
    CRISIS = "crisis"
    """Somebody may have been in a crisis."""
    POLICY = "policy"
    """The policy is wrong about this."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Appeal:
    """One appeal; there is at most one for each end."""

    node: NodeId
    """The ended node."""
    filed_at_ms: int
    words: bytes = b""
    """What the user wrote, encrypted; empty if nothing, or if it was erased."""
    acknowledged_at_ms: int | None = None
    decided_at_ms: int | None = None
    state: AppealState = AppealState.FILED
    reviewer: str = ""
    reason: str = ""
    """An ``AppealReason`` once it is decided."""
    answer: bytes = b""
    """What the reviewer wrote to the user, encrypted."""
