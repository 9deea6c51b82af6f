"""Public test support."""

from collections.abc import Callable, Sequence

from adjourn.core.assessments import Assessed
from adjourn.core.messages import Message
from adjourn.store.memory import MemoryStore

__all__ = ["FixedDetector", "MemoryStore"]


class FixedDetector:
    """A detector that answers by a function of the newest message."""

    name = "fixed"

    def __init__(self, judge: Callable[[Message], Assessed]) -> None:
        self._judge = judge

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """Judge the last message of each conversation."""
        return [self._judge(conversation[-1]) for conversation in conversations]

    async def aclose(self) -> None:
        """Nothing to free."""
