"""What the shells plug into: the protocols every implementation keeps to."""

from collections.abc import Sequence
from typing import Protocol

from adjourn.core.assessments import Assessed
from adjourn.core.messages import Message


class Detector(Protocol):
    """Judges the newest message of each conversation, in its context."""

    @property
    def name(self) -> str:
        """Name as used in configuration, assessments and the ledger."""
        ...

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """Judge the last message of each conversation; one answer each, in order.

        Never raises for what a message contains: a message that cannot be judged is ``Unknown``.
        """
        ...

    async def aclose(self) -> None:
        """Free what the detector holds."""
        ...
