"""The OpenAI moderation endpoint, and servers of its shape.

Wire format: ``POST /moderations`` with ``input``; ``results[0].category_scores`` has a score per
category. Source: OpenAI's API reference (the categories of omni-moderation). The endpoint judges a
text by itself, so the newest message goes without its context. Its scores are not documented to be
calibrated; they are passed on as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.hazards import Hazard
from adjourn.detectors.forms import MODERATIONS, Ask, Malformed
from adjourn.detectors.turns import Turn

HAZARDS: Final[Mapping[str, tuple[Hazard, ...]]] = {
    "hate": (Hazard.HTE,),
    "hate/threatening": (Hazard.HTE,),
    "illicit": (Hazard.NCR,),
    "illicit/violent": (Hazard.VCR,),
    "self-harm": (Hazard.SSH,),
    "self-harm/instructions": (Hazard.SSH,),
    "self-harm/intent": (),
    "sexual": (Hazard.SXC,),
    "sexual/minors": (Hazard.CSE,),
    "harassment": (),  # towards any target: not the assistant's abuse alone
    "harassment/threatening": (),
    "violence": (),  # depictions count, so it is no crime
    "violence/graphic": (),
}
"""What each category means here; all of them add to ``harm``."""

CRISIS_SELF: Final = ("self-harm", "self-harm/intent", "self-harm/instructions")
CRISIS_OTHERS: Final = ("harassment/threatening",)
"""Of a user's message: what cannot be told from a crisis is one."""

_NEEDED: Final = ("hate", "self-harm", "sexual", "violence")
"""Categories of every version of the endpoint; without them an answer is none."""


class _Result(msgspec.Struct):
    category_scores: dict[str, float | None]


class _Moderation(msgspec.Struct):
    results: list[_Result]


@dataclass(frozen=True, slots=True)
class Moderation:
    """A moderation endpoint."""

    model: str

    def ask(self, turns: Sequence[Turn]) -> Sequence[Ask]:
        """Ask about the newest turn by itself."""
        return (Ask(MODERATIONS, {"model": self.model, "input": turns[-1].text}),)

    def hear(self, name: str, turns: Sequence[Turn], answers: Sequence[bytes]) -> Assessed:
        """Read the scores."""
        try:
            results = msgspec.json.decode(answers[0], type=_Moderation).results
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("the answer is not of the OpenAI shape") from None
        if len(results) != 1:
            raise Malformed(f"{len(results)} results to one input")
        scores = {key: p for key, p in results[0].category_scores.items() if p is not None}
        if not all(key in scores for key in _NEEDED):
            raise Malformed("categories are missing")
        if not all(0.0 <= p <= 1.0 for p in scores.values()):
            raise Malformed("a score is no probability")
        return _assessment(name, scores, by_user=turns[-1].by_user)


def _assessment(name: str, scores: Mapping[str, float], *, by_user: bool) -> Assessment:
    hazards: dict[Hazard, float] = {}
    for category, meant in HAZARDS.items():
        for hazard in meant:
            hazards[hazard] = max(hazards.get(hazard, 0.0), scores.get(category, 0.0))
    crisis = [max(scores.get(c, 0.0) for c in some) for some in (CRISIS_SELF, CRISIS_OTHERS)]
    return Assessment(
        name,
        hazards,
        harm=max(scores.get(category, 0.0) for category in HAZARDS),
        crisis_self=crisis[0] * by_user,
        crisis_others=crisis[1] * by_user,
    )
