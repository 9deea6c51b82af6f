"""From a family's categories to ours.

A category becomes a hazard only where its definition is the hazard's; one that is wider only adds
to ``harm``, which is no ground by itself: a doubtful category never counts towards an end. What
is said of suicide or self-harm in a *user's* message is a crisis as well, because no family tells
a wish from a request for information, and what cannot be told apart is a crisis.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from adjourn.core.assessments import Assessment
from adjourn.core.hazards import Hazard

FLAGGED: Final = 0.9
"""Probability of what is flagged by a model whose server gives no probabilities.

The cards publish precisions on balanced sets between 0.90 and 0.96 (Llama Guard 3: 0.952 on
prompts, 0.947 on replies, in English); in traffic where harm is rare the true share is lower, so
this is at their lower end. What is not flagged is 0.
"""


CLEARED: Final = 0.01
"""Probability of what is judged, without probabilities, and not flagged, where 0 would mean that
it was not judged."""


@dataclass(frozen=True, slots=True)
class Category:
    """What one category of a family means here."""

    hazards: tuple[Hazard, ...] = ()
    harm: bool = True
    self_harm: bool = False


def assessment(
    name: str,
    found: Iterable[tuple[Category, float]],
    *,
    by_user: bool,
    harm: float = 0.0,
    refuses: float = 0.0,
) -> Assessment:
    """Return the assessment of what was found.

    Args:
        name: The detector's.
        found: Categories that were asked about, each with its probability.
        by_user: Whether the message is the user's.
        harm: Least probability of any harm.
        refuses: For replies.
    """
    hazards: dict[Hazard, float] = {}
    crisis = 0.0
    for category, p in found:
        for hazard in category.hazards:
            hazards[hazard] = max(hazards.get(hazard, 0.0), p)
        if category.harm:
            harm = max(harm, p)
        if category.self_harm and by_user:
            crisis = max(crisis, p)
    return Assessment(
        name,
        hazards,
        harm=harm,
        crisis_self=crisis,
        refuses=0.0 if by_user else refuses,
    )
