"""What the network says, in order: twelve hazards, then the other heads.

A hazard logit is conditional: it says which hazard, given that there is one. The probability of
a hazard is that of harm times the conditional one.
"""

from typing import Final

from adjourn.core.hazards import Hazard

HAZARDS: Final = tuple(Hazard)
"""Order of the hazard heads."""
SCALARS: Final = (
    "harm",
    "abuse",
    "crisis_self",
    "crisis_others",
    "wants_end",
    "confirms",
    "declines",
    "insists",
    "refuses",
    "redirects",
)
"""Order of the heads after the hazards; fields of ``Assessment``."""
HEADS: Final = (*(str(hazard) for hazard in HAZARDS), *SCALARS)
OF_ASSISTANT: Final = frozenset({"refuses", "redirects", "harm"})
"""Scalars that are meaningful for a message by the assistant (hazards are, too)."""
OF_USER: Final = frozenset(SCALARS) - {"refuses", "redirects"}
"""Scalars that are meaningful for a message by the user."""
