"""Examples: a conversation, and what is known of its newest message.

A source speaks of some heads only; the others are masked, never taken for "no".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adjourn.core.assessments import PROBABILITIES
from adjourn.core.hazards import Hazard
from adjourn.core.messages import Message, Role

HAZARDS: Final = tuple(map(str, Hazard))
HEADS: Final = (*HAZARDS, *PROBABILITIES)
"""What is asked of a detector: hazards, then the fields of ``Assessment``."""
OF_REPLIES: Final = frozenset({"refuses", "redirects"})
OF_ANSWERS: Final = frozenset({"insists", "confirms", "declines"})
"""Meaningful only for a message that follows one by the assistant."""
NOTHING: Final[Mapping[str, float]] = dict.fromkeys(
    (head for head in PROBABILITIES if head not in OF_REPLIES), 0.0
)
"""An ordinary user message: every head of user messages is 0."""


@dataclass(frozen=True, slots=True)
class Example:
    """One example.

    Attributes:
        newest: Text of the newest message.
        role: Who it is from.
        labels: Head to target in [0, 1]; heads that are not here are masked.
        source: Repository the text is from, or ``own/<file>``.
        group: Examples of one group (translations, windows of one dialogue) stay in one split.
        before: Earlier messages as (role, text), oldest first.
        weight: How much the example counts.
        kind: Sub-population, for reporting.
        lang: Language, where the source says.
    """

    newest: str
    role: Role
    labels: Mapping[str, float]
    source: str
    group: str = ""
    before: tuple[tuple[Role, str], ...] = ()
    weight: float = 1.0
    kind: str = ""
    lang: str = "en"

    def conversation(self) -> list[Message]:
        """Return the example as the detector gets it."""
        return [
            *(Message.of(role, text) for role, text in self.before),
            Message.of(self.role, self.newest),
        ]


def harmful(hazards: Mapping[str, float] | None, harm: float = 1.0) -> dict[str, float]:
    """Return labels of a message that seeks harm; ``hazards`` None if which one is not known.

    Crisis is masked for messages about self-harm and violence: a request may imply intent.
    """
    labels: dict[str, float] = {"harm": harm, "wants_end": 0.0}
    if hazards is None:
        return labels
    labels.update(dict.fromkeys(HAZARDS, 0.0))
    labels.update(hazards)
    if not {"ssh", "vcr"} & hazards.keys():
        labels.update({"crisis_self": 0.0, "crisis_others": 0.0})
    elif "ssh" not in hazards:
        labels["crisis_self"] = 0.0
    return labels


def check(example: Example) -> Example:
    """Return the example if its labels are known heads with targets in [0, 1]."""
    for head, target in example.labels.items():
        if head not in HEADS or not 0.0 <= target <= 1.0:
            raise ValueError(f"{example.source}: bad label {head}={target}")
    return example
