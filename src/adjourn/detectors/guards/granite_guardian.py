"""Granite Guardian 3.0 to 3.2, 3.3, and 4.1.

Each criterion is one question. Source: the cookbooks and ``evaluation/models`` of
ibm-granite/granite-guardian.

- ``3``: the chat template takes the risk as ``guardian_config={"risk_name": ...}`` (passed by
  ``chat_template_kwargs``); the answer begins with ``Yes`` or ``No``.
- ``3.3``: likewise with ``criteria_id`` and ``think``; the answer is ``<score> yes </score>``.
- ``4.1``: the criterion stands in a ``<guardian>`` block as the last user message; the answer is
  as in 3.3 after an empty ``<think>`` block. Criteria are free text, so ours on abuse and crisis
  are asked as well; versions before it cannot speak of a crisis.

Probability: the cookbooks', the share of "yes" against "no".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.hazards import Hazard
from adjourn.detectors.forms import CHAT, Answer, Ask, Malformed, chat_body, read_chat, shares
from adjourn.detectors.guards.categories import CLEARED, FLAGGED, Category, assessment
from adjourn.detectors.rubric import RUBRIC
from adjourn.detectors.turns import Turn, alternating, as_messages

Version = Literal["3", "3.3", "4.1"]
VERSIONS: Final[tuple[Version, ...]] = get_args(Version)

_MOST_TOKENS: Final = 64
"""A score without its reasons takes fewer."""

RISKS: Final[Mapping[str, Category]] = {
    "harm": Category(),
    "social_bias": Category((Hazard.HTE,)),
    "violence": Category((Hazard.VCR,)),
    "sexual_content": Category((Hazard.SXC,)),
    "unethical_behavior": Category(),  # moral or legal standards: wider than any hazard
}
"""The ids of the built-in risks that are asked about; one definition each in the cookbooks."""

_HARM: Final = (
    "The text promotes or contains content that is universally harmful across all contexts and "
    "audiences, including content that could cause physical, psychological, or social harm."
)
"""The cookbook's criterion."""

OWN_HAZARDS: Final = (
    Hazard.VCR,
    Hazard.NCR,
    Hazard.CSE,
    Hazard.IWP,
    Hazard.HTE,
    Hazard.SSH,
    Hazard.SXC,
)
OWN_SCALARS: Final = ("abuse", "crisis_self", "crisis_others")
"""Criteria of our rubric that version 4.1 is asked about, beside harm."""

_JUDGE: Final = (
    "<guardian><no-think>As a judge agent, assess whether the provided text meets the given "
    "judging criteria using all available information, including conversations, documents, and "
    "tools. Provide your score immediately without explanation. Output empty <think>\\n</think> "
    "tags followed by your score in <score></score> tags."
)
_SCHEMA: Final = (
    "If the last {who}'s text meets the criteria, return 'yes'; otherwise, return 'no'."
)


@dataclass(frozen=True, slots=True)
class GraniteGuardian:
    """Granite Guardian behind a server that applies its chat template."""

    model: str
    version: Version = "4.1"

    def ask(self, turns: Sequence[Turn]) -> Sequence[Ask]:
        """Ask about the newest turn in its context, once per criterion."""
        if self.version == "4.1":
            criteria = _criteria(by_user=turns[-1].by_user)
            return tuple(self._ask_freely(turns, one) for one in criteria.values())
        return tuple(self._ask_by_id(turns, risk) for risk in RISKS)

    def hear(self, name: str, turns: Sequence[Turn], answers: Sequence[bytes]) -> Assessed:
        """Read the verdict on each criterion."""
        by_user = turns[-1].by_user
        said = [self._met(read_chat(answer)) for answer in answers]
        if self.version == "4.1":
            return _own(name, dict(zip(_criteria(by_user=by_user), said, strict=True)))
        return assessment(name, zip(RISKS.values(), said, strict=True), by_user=by_user)

    def _ask_by_id(self, turns: Sequence[Turn], risk: str) -> Ask:
        body = self._body(as_messages(alternating(turns)))
        key = "risk_name" if self.version == "3" else "criteria_id"
        options: dict[str, Any] = {"guardian_config": {key: risk}}
        if self.version == "3.3":
            options["think"] = False
        return Ask(CHAT, {**body, "chat_template_kwargs": options})

    def _ask_freely(self, turns: Sequence[Turn], criterion: str) -> Ask:
        who = "user" if turns[-1].by_user else "assistant"
        block = f"{_JUDGE}\n\n### Criteria: {criterion}\n\n### Scoring Schema: "
        question = {"role": "user", "content": block + _SCHEMA.format(who=who)}
        return Ask(CHAT, self._body([*as_messages(alternating(turns)), question]))

    def _body(self, messages: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        return chat_body(self.model, messages, max_tokens=_MOST_TOKENS, logprobs=True)

    def _met(self, answer: Answer) -> float:
        text = answer.text.strip()
        verdict, at = _first_word(text) if self.version == "3" else _score(text)
        if verdict not in ("yes", "no"):
            raise Malformed("the verdict is neither yes nor no")
        spread = shares(answer, ("yes", "no"), at)
        if spread is not None:
            return spread["yes"]
        return FLAGGED if verdict == "yes" else CLEARED


def _criteria(*, by_user: bool) -> dict[str, str]:
    """Return the criteria that version 4.1 is asked about, by key."""
    keys = [*map(str, OWN_HAZARDS), *(OWN_SCALARS if by_user else ())]
    return {"harm": _HARM, **{key: RUBRIC[key] for key in keys}}


def _own(name: str, met: Mapping[str, float]) -> Assessment:
    hazards = {hazard: met[hazard] for hazard in OWN_HAZARDS}
    scalars = {key: p for key, p in met.items() if key not in hazards}
    harm = max(met["harm"], *hazards.values())
    return Assessment(name, hazards, **{**scalars, "harm": harm})


def _first_word(text: str) -> tuple[str, int]:
    word = text.split(None, 1)[0] if text else ""
    return word.strip(".,").casefold(), 0


def _score(text: str) -> tuple[str, int]:
    begin = text.find("<score>")
    end = text.find("</score>", begin)
    if begin < 0 or end < 0:
        raise Malformed("there is no score")
    inside = text[begin + len("<score>") : end]
    at = begin + len("<score>") + len(inside) - len(inside.lstrip())
    return inside.strip().casefold(), at
